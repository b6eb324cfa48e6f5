// The one-line options about https, those of ACME, and the user.
import Testing

@testable import Configuration

@Suite struct `Strict-Transport-Security` {
  private func hsts(_ value: String) throws -> String? {
    let text = "listen '1' site '*' { ['/'] = { proxy 'h:1', hsts = \(value) } }"
    return try Configuration.load(text: text).sites[0].routes[0].options.strictTransportSecurity
  }

  private func refusal(_ value: String) -> String {
    let found = messages("listen '1' site '*' { hsts = \(value), ['/'] = proxy 'h:1' }")
    #expect(found.count == 1, "\(found)")
    return found.first ?? ""
  }

  @Test(arguments: [
    ("false", nil), ("true", "max-age=31536000"), ("{}", "max-age=31536000"),
    ("'180d'", "max-age=15552000"), ("3600", "max-age=3600"), ("0", "max-age=0"),
    ("'3650d'", "max-age=315360000"), ("{ max_age = '1h' }", "max-age=3600"),
    (
      "{ max_age = '730d', include_subdomains = true }", "max-age=63072000; includeSubDomains"
    ),
    (
      "{ include_subdomains = true, preload = true }",
      "max-age=31536000; includeSubDomains; preload"
    ),
    ("{ include_subdomains = false, preload = false }", "max-age=31536000"),
  ])
  func `is what is asked for`(value: String, expected: String?) throws {
    #expect(try hsts(value) == expected)
  }

  @Test(arguments: [
    ("'3651d'", "hsts: must be from 0s to 3650d"), ("'soon'", "hsts: expected a duration such as"),
    ("function() end", "hsts: expected true, false, a duration"),
    ("{ max_age = -1 }", "hsts: max_age: must be from 0s to 3650d"),
    ("{ maxage = 1 }", #"hsts: unknown option "maxage" (did you mean "max_age"?)"#),
    ("{ '1d' }", #"hsts: "1d" stands without a name before it"#),
    ("{ preload = 1 }", "hsts: preload: expected true or false, got 1"),
    ("{ preload = true }", "hsts: preload needs include_subdomains = true and a max_age of 365d"),
    (
      "{ preload = true, include_subdomains = true, max_age = '364d' }",
      "hsts: preload needs include_subdomains = true and a max_age of 365d or more"
    ),
  ])
  func `that cannot be is refused`(value: String, expected: String) {
    #expect(refusal(value).contains(expected))
  }

  @Test func `and the redirect to https cascade`() throws {
    let text = """
      defaults { redirect_https = true, hsts = '1d' } listen '1'
      site '*' { redirect_https = false, ['/'] = proxy 'h:1', ['/a'] = { proxy 'h:1', hsts = false } }
      """
    let routes = try Configuration.load(text: text).sites[0].routes
    #expect(routes.allSatisfy { !$0.options.redirectsToHTTPS })
    #expect(Set(routes.map(\.options.strictTransportSecurity)) == [nil, "max-age=86400"])
  }
}

@Suite struct `The options of acme` {
  private func acme(_ text: String) throws -> ACMEOptions {
    try Configuration.load(text: valid + text, folder: "/etc/rsp").process.acme
  }

  private func refusal(_ text: String) -> String {
    let found = messages(valid + "acme { \(text) }")
    #expect(found.count == 1, "\(found)")
    return found.first ?? ""
  }

  @Test func `are set by a statement, or in defaults`() throws {
    let options = """
      { email = 'admin@a.example', directory = 'https://acme.example:14000/dir', ca = 'ca.pem',
        challenges = { 'http-01', 'tls-alpn-01' }, folder = 'state/' }
      """
    var expected = ACMEOptions()
    expected.email = "admin@a.example"
    expected.directory = "https://acme.example:14000/dir"
    expected.ca = "/etc/rsp/ca.pem"
    expected.challenges = [.http01, .tlsALPN01]
    expected.folder = "/etc/rsp/state"
    #expect(try acme("acme \(options)") == expected)
    #expect(try acme("defaults { acme = \(options) }") == expected)
    #expect(try acme("acme {}") == ACMEOptions())
  }

  @Test func `of several statements are those said last`() throws {
    let options = try acme(
      "acme { email = 'a@b.c', challenges = 'http-01' } acme { email = 'd@e.f' }")
    #expect(options.email == "d@e.f" && options.challenges == [.http01])
  }

  @Test(arguments: [
    ("email = 'admin'", "acme: email: expected an address such as"),
    ("email = 'a@b@c'", "email: expected"), ("email = '@b.c'", "email: expected"),
    (#"email = 'a\r\n@b.c'"#, "email: expected"), ("email = 'a@b c'", "email: expected"),
    ("email = ('a'):rep(253) .. '@b'", "email: expected"),
    ("directory = 'http://a/dir'", "directory: expected a URL such as"),
    ("directory = 'https://'", "directory: expected"), ("directory = 'https://a b'", "directory:"),
    ("directory = 'https://u@a/'", "directory: expected"),
    ("directory = 'https://a/' .. ('x'):rep(503)", "directory: expected"),
    ("challenges = 'dns-01'", #"expected "tls-alpn-01" or "http-01", each once, got "dns-01""#),
    ("challenges = 'http-1'", #"got "http-1" (did you mean "http-01"?)"#),
    ("challenges = {}", "challenges: a list without a challenge proves none"),
    ("challenges = { 'http-01', 'http-01' }", "each once"),
    ("folder = 1", "folder: expected the path of a folder"), ("folder = ''", "is no path"),
    ("mail = 'a@b.c'", #"acme: unknown option "mail" (did you mean "email"?)"#),
    ("'a@b.c'", #"acme: "a@b.c" stands without a name before it"#),
  ])
  func `that cannot be are refused`(text: String, expected: String) {
    #expect(refusal(text).contains(expected))
  }

  @Test func `have bounds that can be reached`() throws {
    let email = try acme("acme { email = ('a'):rep(252) .. '@b' }").email
    #expect(email?.utf8.count == 254)
    let url = try acme("acme { directory = 'https://a/' .. ('x'):rep(502) }").directory
    #expect(url.utf8.count == 512)
    #expect(messages(valid + "acme 'x'") == [#"rsp.lua:1: acme: expected { options }, got "x""#])
  }
}

@Suite struct `The user` {
  private func user(_ value: String) throws -> String? {
    try Configuration.load(text: valid + "defaults { user = \(value) }").process.user
  }

  @Test func `is a name or a number, with or without a group`() throws {
    for value in ["www-data", "www-data:adm", "33:33", "_rsp", String(repeating: "a", count: 32)] {
      #expect(try user("'\(value)'") == value)
    }
    #expect(try user("false") == nil)
  }

  @Test(arguments: [
    "''", "'a:'", "':a'", "'a:b:c'", "'-a'", "'a b'", "33", "('a'):rep(33)", #"'a\n'"#,
  ])
  func `is nothing else`(value: String) {
    #expect(throws: ConfigurationError.self) { try user(value) }
  }
}
