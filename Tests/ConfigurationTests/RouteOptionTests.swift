// Options that change what passes, and what is answered when something fails.
import Routing
import Testing

@testable import Configuration

@Suite struct `The route option` {
  private func options(
    _ setting: String, route: String = "/", elsewhere: String = ""
  ) throws -> RouteOptions {
    let text = "listen '1' \(elsewhere) site '*' { ['\(route)'] = { proxy 'h:1', \(setting) } }"
    return try Configuration.load(text: text).sites[0].routes[0].options
  }

  private func refusal(_ setting: String, route: String = "/") -> String {
    let found = messages("listen '1' site '*' { ['\(route)'] = { proxy 'h:1', \(setting) } }")
    #expect(found.count == 1, "\(setting)")
    return found.first ?? ""
  }

  @Test(arguments: [
    ("/app/", "true", "/app"), ("/app", "true", "/app"), ("= /app/x", "true", "/app/x"),
    ("/", "true", ""), ("/app/", "false", ""), ("/app/v2/", "'/app/'", "/app"),
    ("~ ^/app", "'/app'", "/app"),
  ])
  func `strip_prefix is the route's own path or another`(
    route: String, value: String, expected: String
  ) throws {
    let found = try options("strip_prefix = \(value)", route: route)
    #expect(found.stripPrefix == Array(expected.utf8))
    #expect(!found.stripsOwnPrefix)
  }

  @Test func `strip_prefix in a wider place is each route's own`() throws {
    let sites = try Configuration.load(
      text: """
        listen "1"  defaults { strip_prefix = true }
        site "*" {
          ["/a/"] = proxy "h:1", ["~ ^/c"] = proxy "h:1", ["/b/"] = { proxy "h:1", strip_prefix = false },
        }
        """
    ).sites
    let prefixes = sites[0].routes.map { route in
      route.pattern.description + " " + String(decoding: route.options.stripPrefix, as: UTF8.self)
    }
    #expect(Set(prefixes) == ["/a/ /a", "~ ^/c ", "/b/ "])
  }

  @Test func `strip_prefix is refused where it cannot be`() {
    #expect(refusal("strip_prefix = true", route: "~ a").contains("an expression has no prefix"))
    #expect(refusal("strip_prefix = '/a/../b'").contains("can never match"))
    #expect(refusal("strip_prefix = 'app'").contains(#"expected true, false or a path"#))
  }

  @Test func `request_headers and response_headers set, add and remove`() throws {
    let found = try options(
      """
      request_headers = {
        set = { ["X-Client"] = "$remote_addr", ["X-N"] = 7 }, add = { ["X-Two"] = { "a", "b" } },
        remove = { "Cookie", "X-Old" },
      }, response_headers = { remove = "Server", set = { ["X-From"] = "$upstream_addr" } },
      """)
    #expect(found.requestFields.set.map(\.name) == ["X-Client", "X-N"])
    #expect(found.requestFields.set[1].value == (try FieldTemplate("7")))
    #expect(
      found.requestFields.add.map(\.value) == [try FieldTemplate("a"), try FieldTemplate("b")])
    #expect(found.requestFields.remove == ["cookie", "x-old"])
    #expect(found.responseFields.remove == ["server"])
    #expect(found.responseFields.set[0].value == (try FieldTemplate("$upstream_addr")))
  }

  @Test func `request_headers of a route stand in place of those of the site`() throws {
    let elsewhere = "defaults { request_headers = { remove = 'Cookie' } }"
    #expect(try options("", elsewhere: elsewhere).requestFields.remove == ["cookie"])
    #expect(try options("request_headers = {}", elsewhere: elsewhere).requestFields.isEmpty)
  }

  @Test(arguments: [
    ("request_headers = { set = { ['Host'] = 'x' } }", "write host = ... instead"),
    ("request_headers = { set = { ['content-length'] = 1 } }", "frames messages by itself"),
    ("request_headers = { remove = 'Transfer-Encoding' }", "frames messages by itself"),
    ("request_headers = { add = { Connection = 'x' } }", "belongs to the connection"),
    ("request_headers = { add = { Expect = 'x' } }", "agreed on with the client"),
    ("response_headers = { set = { Upgrade = 'x' } }", "belongs to the connection"),
    ("response_headers = { remove = 'Trailer' }", "frames messages by itself"),
    ("request_headers = { set = { ['X'] = '$status' } }", "the response is not known yet"),
    ("request_headers = { set = { ['X'] = '$sent_http_a' } }", "the response is not known yet"),
    (#"request_headers = { set = { ['X'] = 'a\nb' } }"#, "there is a control character"),
    ("request_headers = { set = { ['X:'] = 'a' } }", #""X:" is no name of a field"#),
    ("request_headers = { set = { ['X'] = {} } , sett = 1 }", #"(did you mean "set"?)"#),
    ("request_headers = { set = { 'X' } }", #"expected { ["X-Name"] = "value" }"#),
    ("request_headers = { 'X' }", "expected { set = { ... }, add"),
    ("request_headers = { remove = { X = true } }", "expected the names of fields"),
  ])
  func `for fields refuses what would break a message`(setting: String, expected: String) {
    let found = refusal(setting)
    #expect(found.contains(expected), "\(found)")
  }

  @Test func `for fields takes 64 of them and no more, with names of 256 bytes`() throws {
    let remove = { (count: Int) in
      "request_headers = { remove = { \((1...count).map { "'X-\($0)'" }.joined(separator: ",")) } }"
    }
    #expect(try options(remove(64)).requestFields.remove.count == 64)
    #expect(refusal(remove(65)).contains("more than 64 fields"))
    let set = { (count: Int) in
      let values = Array(repeating: "'x'", count: count).joined(separator: ",")
      return "response_headers = { add = { X = { \(values) } } }"
    }
    #expect(try options(set(64)).responseFields.add.count == 64)
    #expect(refusal(set(65)).contains("more than 64 fields"))
    let named = { (count: Int) in "request_headers = { remove = ('x'):rep(\(count)) }" }
    #expect(try options(named(256)).requestFields.remove.count == 1)
    #expect(refusal(named(257)).contains("is no name of a field"))
  }

  @Test func `error_pages are files and answers, by status and by class`() throws {
    try TextFile.withFolder { folder in
      try TextFile.write("gone", to: folder + "/gone.html")
      let pages = try options(
        """
        error_pages = {
          [404] = "\(folder)/gone.html", [400] = respond(451, "x"), ["5xx"] = "\(folder)/gone.html",
          [502] = respond(200, "well"), [599] = respond(500),
        }
        """
      ).errorPages
      #expect(pages.count == 102)
      #expect(pages[404]?.value.status == 404)
      #expect(pages[404]?.value.contentType == "text/html; charset=utf-8")
      #expect(pages[400]?.value.status == 451)
      #expect(pages[500]?.value.status == 500)
      #expect(pages[503]?.value.status == 503)
      #expect(pages[503]?.value.body == Array("gone".utf8))
      #expect(pages[502]?.value.status == 200)
    }
  }

  @Test(arguments: [
    ("error_pages = { [399] = respond(404) }", "[399] is no error"),
    ("error_pages = { [600] = respond(404) }", "[600] is no error"),
    ("error_pages = { ['6xx'] = respond(404) }", #"["6xx"] is no status"#),
    ("error_pages = { respond(404) }", "expected { [404] = "),
    ("error_pages = { [404] = proxy 'h:1' }", "[404]: expected a file or respond(...)"),
    ("error_pages = { [404] = 7 }", "[404]: expected a file or respond(...), got 7"),
    ("error_pages = { [404] = '/nonexistent' }", "[404]: cannot open /nonexistent: No such"),
  ])
  func `error_pages is refused with its reason`(setting: String, expected: String) {
    let found = refusal(setting)
    #expect(found.contains(expected), "\(found)")
  }

  @Test func `trusted is a network or a list of them`() throws {
    let trusted = { (value: String) in
      try Configuration.load(text: valid + "defaults { trusted = \(value) }")
        .listeners[0].options.trusted
    }
    let inside = try #require(InternetAddress("10.1.2.3"))
    #expect(try trusted("'10.0.0.0/8'").contains(inside))
    #expect(try trusted("{ 'fd00::/8', '10.1.2.3' }").contains(inside))
    #expect(try !trusted("'fd00::/8'").contains(inside))
    #expect(
      messages(valid + "defaults { trusted = '10.0.0.1/8' }") == [
        #"rsp.lua:1: defaults: trusted: "10.0.0.1/8": the address has bits beyond the network's; "#
          + "write 10.0.0.0/8"
      ])
  }

  @Test func `resolver names DNS servers by their addresses`() throws {
    let resolver = { (value: String) in
      try Configuration.load(text: valid + "defaults { resolver = \(value) }").process.resolver
    }
    #expect(try resolver("false") == nil)
    #expect(try resolver("'127.0.0.1:5353'") == "127.0.0.1:5353")
    #expect(
      try resolver("{ '10.0.0.53', '::1', '[::1]:5353' }") == "10.0.0.53:53,[::1]:53,[::1]:5353")
    for wrong in ["{}", "true", "53", "''", "'dns.example'", "'10.0.0.1:0'", "'unix:/x'"] {
      #expect(throws: ConfigurationError.self) { try resolver(wrong) }
    }
  }

  @Test func `control is on, off or a path`() throws {
    let control = { (value: String) in
      try Configuration.load(text: valid + "defaults { control = \(value) }").process.controlSocket
    }
    #expect(try control("true") == nil)
    #expect(try control("false") == "")
    #expect(try control("'/run/x.sock'") == "/run/x.sock")
    #expect(throws: ConfigurationError.self) { try control("'x.sock'") }
    #expect(throws: ConfigurationError.self) { try control("''") }
  }
}
