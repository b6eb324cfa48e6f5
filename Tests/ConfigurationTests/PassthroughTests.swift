// Sites whose TLS connections are passed on undecrypted, and TLS towards servers.
import Routing
import Testing

@testable import Configuration

private let listener = "listen { '443', tls = true } "

@Suite struct `A site that is passed through` {
  private func load(_ text: String) throws -> Configuration {
    try Configuration.load(text: listener + text)
  }

  @Test func `names an upstream or an address`() throws {
    let text = "upstream 'b' { 'h:1' } upstream 'a' { 'h:443' } "
    let named = try load(text + "site 'a.example *.a.example' { passthrough = 'a' }")
    #expect(named.sites[0].passthrough == 1)
    #expect(named.sites[0].routes == [])
    let address = try load("site 'a.example' { passthrough = '10.0.0.1:443' }")
    #expect(address.sites[0].passthrough == 0)
    #expect(address.upstreams[0].name == "10.0.0.1:443")
    let not = try load(
      "site 'b' { passthrough = 'h:1' } site 'a' { passthrough = false, ['/'] = proxy 'h:1' }")
    #expect(not.sites[1].passthrough == nil && not.sites[1].tunnel == nil)
  }

  @Test func `has the timeouts of its tunnels`() throws {
    let text = "defaults { connect_timeout = '1s' } "
    let site = try load(text + "site 'a' { passthrough = 'h:1', tunnel_timeout = '5m' }").sites[0]
    #expect(site.tunnel?.value.tunnelTimeoutMilliseconds == 300_000)
    #expect(site.tunnel?.value.connectTimeoutMilliseconds == 1000)
  }

  @Test func `sends requests without TLS to it, where that is asked for`() throws {
    for text in [
      "site 'a' { passthrough = 'h:1', redirect_https = true }",
      "defaults { redirect_https = true } site 'a' { passthrough = 'h:1' }",
    ] {
      let routes = try load(text).sites[0].routes
      #expect(routes.map(\.pattern.description) == ["/"])
      #expect(routes[0].action == .respond(Shared(FixedResponse(status: 404))))
      #expect(routes[0].options.redirectsToHTTPS)
    }
  }

  @Test(arguments: [
    (
      "passthrough = 'gone'", #"passthrough "gone": no upstream has this name"#
    ),
    ("passthrough = 1", #"site "a": passthrough: expected the name of an upstream or an address"#),
    ("passthrough = true", "passthrough: expected the name of an upstream or an address, got true"),
    (
      "passthrough = 'h:1', ['/'] = proxy 'h:1'",
      #"site "a": passthrough: what is passed through is not decrypted, so no route can stand"#
    ),
    (
      "passthrough = 'h:1', retries = 1",
      #"site "a": retries has no meaning for what is passed through undecrypted"#
    ),
    ("passthrough = 'h:1', hsts = true", "hsts has no meaning for what is passed through"),
    (
      "passthrough = 'https://h'",
      #"site "a": passthrough: upstream "https://h" has servers with https://, and bytes are"#
    ),
    ("pasthrough = 'h:1', ['/'] = proxy 'h:1'", #"(did you mean "passthrough"?)"#),
    ("passthrough = false", #"site "a": no route"#),
    (
      "certificates = 'a', passthrough = 'h:1'", #""certificates" cannot stand here (it belongs in"#
    ),
  ])
  func `that cannot be is refused`(text: String, expected: String) {
    let found = messages(listener + "site 'b' { passthrough = 'h:1' } site 'a' { \(text) }")
    #expect(found.count == 1 && found[0].contains(expected), "\(found)")
  }

  @Test func `needs a listener with TLS`() {
    #expect(
      messages("listen '80'\nsite 'a' { passthrough = 'h:443' }") == [
        #"rsp.lua:2: passthrough: no listener speaks TLS (write listen { "443", tls = true })"#
      ])
    #expect(messages("listen { '1', certificates = {} } site 'a' { passthrough = 'h:1' }") == [])
  }

  @Test func `cannot be a route`() {
    let found = messages(listener + "site '*' { ['/'] = { proxy 'h:1', passthrough = 'h:1' } }")
    #expect(
      found.contains { $0.contains(#""passthrough" cannot stand here (it belongs in: site)"#) })
  }
}

@Suite struct `A server with TLS` {
  private func upstream(_ text: String) throws -> UpstreamConfiguration {
    try Configuration.load(text: valid + "upstream 'a' { \(text) }", folder: "/etc/rsp").upstreams[
      0]
  }

  private func refusal(_ text: String) -> String {
    let found = messages(valid + "upstream 'a' { \(text) }")
    #expect(found.count == 1, "\(found)")
    return found.first ?? ""
  }

  @Test func `is written as a URL, and may stand beside others`() throws {
    let servers = try upstream(
      "'https://10.0.0.1:8443', { 'HTTPS://h', weight = 2 }, 'http://h', 'https://[::1]/', 'g:1'"
    ).servers
    #expect(
      servers == [
        ServerConfiguration(address: .ip(host: "10.0.0.1", port: 8443), isTLS: true),
        ServerConfiguration(address: .name(host: "h", port: 443), isTLS: true, weight: 2),
        ServerConfiguration(address: .name(host: "h", port: 80)),
        ServerConfiguration(address: .ip(host: "::1", port: 443), isTLS: true),
        ServerConfiguration(address: .name(host: "g", port: 1)),
      ])
    let direct = try Configuration.load(
      text: "listen '80' site '*' { ['/'] = proxy 'https://h' }"
    ).upstreams[0]
    #expect(direct.name == "https://h" && direct.servers[0].isTLS)
  }

  @Test func `is verified unless that is turned off`() throws {
    #expect(try upstream("'https://h'").options.tls == ServerTLS())
    let tls = try upstream(
      """
      'https://h', verify = false, ca = 'ca.pem', server_name = 'App.internal',
      client_certificate = { cert = 'c', key = '/k' }
      """
    ).options.tls
    var expected = ServerTLS()
    expected.verify = false
    expected.ca = "/etc/rsp/ca.pem"
    expected.serverName = "app.internal"
    expected.clientCertificate = .pair(certificate: "/etc/rsp/c", key: "/k")
    #expect(tls == expected)
    #expect(
      try upstream("'https://h', client_certificate = 'c'").options.tls.clientCertificate
        == .file("/etc/rsp/c"))
  }

  @Test func `has what defaults say, unless its upstream says otherwise`() throws {
    let text = "defaults { ca = 'ca', client_certificate = 'c' } " + valid
    let options = try Configuration.load(
      text: text + "upstream 'a' { 'https://h', ca = false }"
    ).upstreams[0].options.tls
    #expect(options.ca == nil && options.clientCertificate == .file("c"))
  }

  @Test(arguments: [
    ("'https://h/x'", #"server "https://h/x" may have nothing after the port"#),
    ("'https://u@h'", "may have nothing after the port"), ("'https://'", "has no host"),
    ("'https://unix:/a'", "asks for TLS over a Unix socket, which is not supported"),
    ("'https://h:0'", "has no valid port"), ("'https://h:1', 'h:1'", #"server "h:1" stands twice"#),
    (
      "'h:1', verify = true",
      #"upstream "a": verify needs a server with TLS (write "https://10.0.0.1:8443")"#
    ),
    ("'h:1', ca = 'x'", "ca needs a server with TLS"),
    ("'h:1', server_name = 'x'", "server_name needs a server with TLS"),
    ("'h:1', client_certificate = 'x'", "client_certificate needs a server with TLS"),
    ("'https://h', verify = 'no'", "verify: expected true or false, got \"no\""),
    ("'https://h', ca = 1", "ca: expected false or the path of a PEM file"),
    ("'https://h', server_name = 'a b'", "server_name: expected false or a host name"),
    ("'https://h', server_name = '10.0.0.1'", "server_name: expected false or a host name"),
    ("'https://h', client_certificate = 'c/'", "expected one certificate: a PEM file or"),
    ("'https://h', client_certificate = 'auto'", "expected one certificate: a PEM file or"),
    ("'https://h', proxy_protocol = 3", "proxy_protocol: expected false, 1 or 2, got 3"),
    ("'https://h', proxy_protocol = 0", "proxy_protocol: expected false, 1 or 2, got 0"),
    ("'https://h', proxy_protocol = true", "proxy_protocol: expected false, 1 or 2"),
  ])
  func `that cannot be is refused`(text: String, expected: String) {
    #expect(refusal(text).contains(expected))
  }

  @Test func `gets the client's address by a PROXY header, as any server may`() throws {
    #expect(try upstream("'h:1', proxy_protocol = 1").options.proxyProtocol == .v1)
    #expect(try upstream("'https://h:1', proxy_protocol = 2").options.proxyProtocol == .v2)
    #expect(try upstream("'h:1', proxy_protocol = false").options.proxyProtocol == nil)
    let found = messages("defaults { proxy_protocol = 2 } " + valid)
    #expect(found.first?.contains("cannot stand here (it belongs in: listener, upstream)") == true)
  }
}
