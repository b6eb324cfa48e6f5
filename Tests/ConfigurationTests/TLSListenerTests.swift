// Listeners that speak TLS, expect a PROXY header, or pass bytes on.
import Routing
import Testing

@testable import Configuration

private let site = "site 'a.example' { ['/'] = proxy 'h:1' } "

@Suite struct `A listener with TLS` {
  private func tls(_ text: String) throws -> ListenerTLS {
    let configuration = try Configuration.load(
      text: site + "listen { '443', \(text) }", folder: "/etc/rsp")
    return try #require(configuration.listeners[0].options.tls)
  }

  private func refusal(_ text: String) -> String {
    let found = messages(site + "listen { '443', \(text) }")
    #expect(found.count == 1, "\(found)")
    #expect(found.first?.hasPrefix(#"rsp.lua:1: listen "443": "#) == true, "\(found)")
    return found.first ?? ""
  }

  @Test func `has certificates from folders, files and pairs, looked for beside the file`() throws {
    #expect(try tls("certificates = 'certs/'").certificates == [.folder("/etc/rsp/certs")])
    #expect(try tls("certificates = '/certs/'").certificates == [.folder("/certs")])
    #expect(try tls("certificates = '/'").certificates == [.folder("/")])
    #expect(try tls("certificates = 'a.pem'").certificates == [.file("/etc/rsp/a.pem")])
    #expect(
      try tls("certificates = { cert = 'a.crt', key = '/keys/a.key' }").certificates
        == [.pair(certificate: "/etc/rsp/a.crt", key: "/keys/a.key")])
    #expect(try tls("certificates = 'auto'").certificates == [.automatic])
    #expect(try tls("certificates = './auto'").certificates == [.file("/etc/rsp/./auto")])
    #expect(
      try tls("certificates = { 'certs/', { cert = 'c', key = 'k' }, 'b.pem', 'auto' }")
        .certificates
        == [
          .folder("/etc/rsp/certs"), .pair(certificate: "/etc/rsp/c", key: "/etc/rsp/k"),
          .file("/etc/rsp/b.pem"), .automatic,
        ])
  }

  @Test func `sees for itself that a path is a folder`() throws {
    try TextFile.withFolder { folder in
      let found = try tls("certificates = '\(folder)'").certificates
      #expect(found == [.folder(folder)])
    }
  }

  @Test(arguments: [
    ("certificates = true", "certificates: expected a folder, a PEM file, { cert"),
    ("certificates = ''", "certificates: \"\" is no path"),
    (#"certificates = 'a\0b'"#, "is no path"),
    ("certificates = { 3 }", "certificates: expected a folder, a PEM file"),
    ("certificates = { { 'a' } }", "certificates: cert and key stand alone in their braces"),
    ("certificates = { 'a', cert = 'b', key = 'c' }", "cert and key stand alone in their braces"),
    ("certificates = { 'a.pem', 'a.pem' }", #"certificates: "a.pem" stands twice"#),
    ("certificates = { cert = 'a' }", "certificates: key is missing (a PEM file that holds both"),
    ("certificates = { key = 'a' }", "certificates: cert is missing"),
    ("certificates = { crt = 'a', key = 'a' }", #"unknown "crt" (did you mean "cert"?)"#),
    ("certificates = { cert = 1, key = 'a' }", "expected the path of a PEM file, got 1"),
    ("certificate = 'a'", #"unknown option "certificate" (did you mean "certificates"?)"#),
    ("tls = 1", "tls: expected true or false, got 1"),
    ("tls = false, certificates = 'a'", "tls = false cannot stand beside certificates"),
    ("tls = true, client_ca = 3", "client_ca: expected false or the path of a PEM file, got 3"),
    ("tls = true, client_verify = 'optional'", "client_verify needs client_ca beside it"),
    ("tls = true, client_ca = 'a', client_verify = true", "client_verify: expected \"required\""),
    ("tls = true, tls_min = '1.1'", #"tls_min: expected "1.2" or "1.3", got "1.1""#),
    ("tls = true, tls_min = 1.3", #"tls_min: expected "1.2" or "1.3", got 1.3"#),
    ("tls = true, ciphers = ''", "ciphers: expected false or a list such as"),
    ("tls = true, ciphers = 'a b'", "ciphers: expected false or a list such as"),
    ("tls = true, ciphers = ('x'):rep(1025)", "ciphers: expected false or a list such as"),
    ("tls = true, handshake_timeout = 0", "handshake_timeout: must be from 1ms to 24h, not 0s"),
    ("client_ca = 'a'", #"client_ca needs TLS (write certificates = "certs/" beside it)"#),
    ("client_verify = 'optional'", "client_verify needs TLS"),
    ("tls_min = '1.3'", "tls_min needs TLS"),
    ("ciphers = 'x'", "ciphers needs TLS"),
    ("handshake_timeout = 1", "handshake_timeout needs TLS"),
    ("verify = false", #""verify" cannot stand here (it belongs in: upstream, defaults)"#),
    ("passthrough = 'a'", #""passthrough" cannot stand here (it belongs in: site)"#),
    ("certificates = {}", "no certificates, and no site is passed through (write certificates ="),
    ("tls = true", "no certificates, and no site is passed through"),
  ])
  func `that cannot be is refused`(text: String, expected: String) {
    #expect(refusal(text).contains(expected))
  }

  @Test func `takes the longest list of ciphers`() throws {
    let list = try tls("certificates = 'a', ciphers = ('x'):rep(1024)").ciphers
    #expect(list?.utf8.count == 1024)
  }

  @Test func `has its own options over those of defaults`() throws {
    let defaults = "defaults { tls_min = '1.3', handshake_timeout = '3s', ciphers = 'AESGCM' } "
    let other =
      "listen { '8443', certificates = 'a', tls_min = '1.2', ciphers = false } listen '80' "
    let configuration = try Configuration.load(
      text: defaults + site + other
        + "listen { '443', certificates = 'a', client_ca = 'ca', client_verify = 'optional' }")
    let tls = configuration.listeners.map(\.options.tls)
    var first = ListenerTLS()
    first.certificates = [.file("a")]
    first.handshakeTimeoutMilliseconds = 3000
    var last = first
    last.minimumVersion = .tls13
    last.ciphers = "AESGCM"
    last.clientCA = "ca"
    last.clientVerification = .optional
    #expect(tls == [first, nil, last])
  }

  @Test func `asks an authority only for names that can be proved`() {
    let listener = "listen { '443', certificates = 'auto' } "
    for names in ["*", "*.a.example"] {
      let found = messages(listener + "site '\(names)' { ['/'] = proxy 'h:1' }")
      #expect(
        found.contains(
          #"rsp.lua:1: listen "443": certificates = "auto" needs a site with an exact name; "#
            + #"wildcards and "*" are not asked for"#), "\(found)")
    }
    #expect(messages(listener + "site '* a.example' { ['/'] = proxy 'h:1' }") == [])
    let passed = "site 'a.example' { passthrough = 'h:443' } site '*' { ['/'] = proxy 'h:1' }"
    #expect(messages(listener + passed).count == 1)
  }
}

@Suite struct `A listener behind a proxy` {
  private func listener(_ text: String) throws -> ListenerOptions {
    try Configuration.load(text: site + "listen { '80', \(text) }").listeners[0].options
  }

  @Test func `believes a PROXY header from those it is told`() throws {
    var peers = CIDRSet()
    try peers.insert("10.0.0.0/8")
    #expect(try listener("proxy_protocol = { from = '10.0.0.0/8' }").proxyProtocol == peers)
    try peers.insert("::1")
    #expect(
      try listener("proxy_protocol = { from = { '10.0.0.0/8', '::1' } }").proxyProtocol == peers)
    #expect(try listener("proxy_protocol = false").proxyProtocol == nil)
  }

  @Test(arguments: [
    ("true", #"proxy_protocol: expected { from = "10.0.0.0/8" }, the proxies that may say it"#),
    ("2", "proxy_protocol: expected { from ="),
    ("'10.0.0.0/8'", "proxy_protocol: expected { from ="),
    ("{}", "proxy_protocol: from is missing"),
    ("{ from = {} }", "proxy_protocol: from: no network"),
    ("{ form = '::1' }", #"proxy_protocol: unknown option "form" (did you mean "from"?)"#),
    ("{ from = 'x' }", #"proxy_protocol: from: "x": is neither an address nor a network"#),
    ("{ '10.0.0.0/8' }", "proxy_protocol: expected { from ="),
  ])
  func `refuses to believe just anybody`(value: String, expected: String) {
    let found = messages(site + "listen { '80', proxy_protocol = \(value) }")
    #expect(found.count == 1 && found[0].contains(expected), "\(found)")
  }
}

@Suite struct `A listener for plain TCP` {
  private func load(_ text: String) throws -> Configuration { try Configuration.load(text: text) }

  private func refusal(_ text: String) -> String {
    let found = messages("upstream 'db' { 'h:5432' } " + text)
    #expect(found.count == 1, "\(found)")
    return found.first ?? ""
  }

  @Test func `passes bytes on to an upstream or an address, and needs no site`() throws {
    let named = try load("listen { '5432', tcp = 'db' } upstream 'db' { 'h:5432' }")
    #expect(named.listeners[0].service == .tcp(upstream: 0))
    #expect(named.upstreams[0].name == "db")
    let address = try load("upstream 'x' { 'h:1' } listen { '5432', tcp = '10.0.0.1:5432' }")
    #expect(address.listeners[0].service == .tcp(upstream: 1))
    #expect(address.upstreams[1].name == "10.0.0.1:5432")
    #expect(try load(site + "listen { '80', tcp = false }").listeners[0].service == .http)
  }

  @Test func `has the timeouts of its tunnels`() throws {
    let text = "upstream 'db' { 'h:1' } defaults { tunnel_timeout = '5m', connect_timeout = '1s' } "
    let tunnel = try load(text + "listen { '1', tcp = 'db', tunnel_timeout = '24h' }").listeners[0]
      .tunnel
    #expect(tunnel?.value.tunnelTimeoutMilliseconds == 86_400_000)
    #expect(tunnel?.value.connectTimeoutMilliseconds == 1000)
    #expect(try load(site + "listen '80'").listeners[0].tunnel == nil)
  }

  @Test(arguments: [
    ("listen { '1', tcp = 'bd' }", #"tcp "bd": no upstream has this name (did you mean "db"?)"#),
    ("listen { '1', tcp = 'h:' }", #"tcp "h:": the address has no valid port"#),
    ("listen { '1', tcp = 1 }", #"listen "1": tcp: expected the name of an upstream"#),
    ("listen { '1', tcp = '' }", #"listen "1": tcp: expected the name of an upstream"#),
    (
      "listen { '1', tcp = 'db', head_timeout = 3 }",
      #"listen "1": head_timeout is about HTTP, and beside tcp no HTTP is read"#
    ),
    ("listen { '1', tcp = 'db', trusted = '::1' }", "trusted is about HTTP"),
    (
      "listen { '1', tcp = 'db', certificates = 'a' }",
      #"listen "1": certificates cannot stand beside tcp, which passes bytes on as they are"#
    ),
    ("listen { '1', tcp = 'db', tls = true }", "tls cannot stand beside tcp"),
    (
      "listen { '1', tunnel_timeout = 3 } " + site,
      #"listen "1": tunnel_timeout on a listener needs tcp = "NAME" beside it"#
    ),
    ("listen { '1', tcp = 'db', retries = 3 }", #""retries" cannot stand here"#),
    (
      "upstream 's' { 'https://h' } listen { '1', tcp = 's' }",
      #"listen "1": tcp: upstream "s" has servers with https://, and bytes are passed on"#
    ),
    (
      "listen { '1', tcp = 'https://h' }",
      #"listen "1": tcp: upstream "https://h" has servers with https://"#
    ),
    (
      "upstream 's' { 'h:1', sticky = true } listen { '1', tcp = 's' }",
      #"listen "1": tcp: upstream "s" is sticky by a cookie, and no HTTP is read here"#
    ),
    (
      "upstream 's' { 'h:1', balance = 'hash', hash = '$host' } listen { '1', tcp = 's' }",
      #"listen "1": tcp: upstream "s" hashes what is in a request"#
    ),
    ("listen { '1', tcp = 'db' } listen '2'", "no site (write site"),
  ])
  func `that cannot be is refused`(text: String, expected: String) {
    #expect(refusal(text).contains(expected))
  }

  @Test func `may hash the client's address, wait for a PROXY header and have a backlog`() {
    let upstream = "upstream 'db' { 'h:1', balance = 'hash', hash = '$remote_addr' } "
    let options = "proxy_protocol = { from = '::1' }, backlog = 10"
    #expect(messages(upstream + "listen { '1', tcp = 'db', \(options) }") == [])
  }

  @Test func `takes what defaults say about HTTP as not meant for it`() {
    let text = "defaults { head_timeout = 3, tls_min = '1.3', sticky = true } "
    #expect(messages(text + "listen { '1', tcp = '10.0.0.1:1' }") == [])
  }
}
