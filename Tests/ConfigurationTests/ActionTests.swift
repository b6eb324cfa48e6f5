// What `respond` and `redirect` mean, and what they refuse.
import Routing
import Testing

@testable import Configuration

@Suite struct `The action` {
  /// What the action written in Lua means as a route.
  private func action(_ text: String, folder: String = ".") throws -> Action {
    let text = "listen '80' site '*' { ['/'] = \(text) }"
    return try Configuration.load(text: text, folder: folder).sites[0].routes[0].action
  }

  private func response(_ text: String, folder: String = ".") throws -> FixedResponse {
    guard case .respond(let response) = try action(text, folder: folder) else {
      Issue.record("no response")
      return FixedResponse(status: 0)
    }
    return response.value
  }

  @Test func `respond takes a status, a body and a content type or fields`() throws {
    #expect(try response("respond(404)") == FixedResponse(status: 404))
    #expect(
      try response(#"respond(200, "pong\n")"#)
        == FixedResponse(status: 200, body: Array("pong\n".utf8)))
    #expect(
      try response("respond(200, '{}', 'application/json')")
        == FixedResponse(status: 200, body: Array("{}".utf8), contentType: "application/json"))
    let fields = [(name: "Retry-After", value: try FieldTemplate("300"))]
    #expect(
      try response("respond(503, 'x', { ['Retry-After'] = 300 })")
        == FixedResponse(status: 503, body: Array("x".utf8), fields: fields))
    #expect(
      try response(#"respond(200, "\255")"#) == FixedResponse(status: 200, body: [255]))
  }

  @Test func `respond takes a table, and a file beside the configuration`() throws {
    try TextFile.withFolder { folder in
      try TextFile.write("<h1>Soon</h1>", to: folder + "/soon.html")
      let page = try response(
        "respond { status = 503, file = 'soon.html', headers = { ['X-A'] = { 'a', '$host' } } }",
        folder: folder)
      #expect(page.status == 503)
      #expect(page.body == Array("<h1>Soon</h1>".utf8))
      #expect(page.contentType == "text/html; charset=utf-8")
      #expect(page.fields.map(\.name) == ["X-A", "X-A"])
      let plain = try response(
        "respond { file = '\(folder)/soon.html', content_type = 'text/plain' }")
      #expect(plain.status == 200)
      #expect(plain.contentType == "text/plain")
    }
  }

  @Test func `respond takes a body of 1 MiB and no more`() throws {
    #expect(try response("respond(200, ('x'):rep(1048576))").body.count == 1 << 20)
    #expect(throws: ConfigurationError.self) { try response("respond(200, ('x'):rep(1048577))") }
    try TextFile.withFolder { folder in
      let path = folder + "/page.txt"
      try TextFile.write(String(repeating: "x", count: 1 << 20), to: path)
      #expect(try response("respond { file = '\(path)' }").body.count == 1 << 20)
      try TextFile.write(String(repeating: "x", count: 1 << 20 + 1), to: path)
      #expect(throws: ConfigurationError.self) { try response("respond { file = '\(path)' }") }
    }
  }

  @Test(arguments: [
    ("a.HTML", "text/html; charset=utf-8"), ("a.json", "application/json"),
    ("a.b.txt", "text/plain; charset=utf-8"), ("a.svg", "image/svg+xml"),
    ("a", "application/octet-stream"), ("a.exe", "application/octet-stream"),
  ])
  func `respond knows the content type of a file`(name: String, type: String) {
    #expect(FixedResponse.type(ofFile: name) == type)
  }

  @Test func `redirect is 302 unless another status is given, on either side`() throws {
    let template = try FieldTemplate("https://$host$request_uri")
    let url = "'https://$host$request_uri'"
    #expect(
      try action("redirect(\(url))") == .redirect(Shared(Redirect(location: template))))
    for text in ["redirect(\(url), 301)", "redirect(301, \(url))"] {
      #expect(
        try action(text) == .redirect(Shared(Redirect(status: 301, location: template))))
    }
  }

  @Test func `redirect may use the groups of an expression, and of nothing else`() throws {
    let site = { (route: String) in "site 'a' { ['\(route)'] = redirect '/new/$1' }" }
    #expect(messages(valid + site("~ ^/old/(.*)")) == [])
    #expect(
      messages(valid + site("/old/")) == [
        #"rsp.lua:1: redirect: $1 to $9 are groups of an expression, and "/old/" is none"#
      ])
  }

  @Test(arguments: [
    ("respond()", "respond: expected a status from 200 to 599, got nil"),
    ("respond(199)", "respond: expected a status from 200 to 599, got 199"),
    ("respond(600)", "respond: expected a status from 200 to 599, got 600"),
    ("respond(200.5)", "respond: expected a status from 200 to 599, got 200.5"),
    ("respond(200, {})", "respond: expected the text of the body, got a table"),
    ("respond(204, 'x')", "respond: an answer 204 has no body"),
    ("respond(200, '', 'text')", #"respond: "text" is no content type"#),
    (#"respond(200, '', 'text/plain\r\nX: y')"#, "is no content type"),
    (#"respond(200, '', { ['X-A'] = 'a\r\nX: y' })"#, "X-A: \"a\r\nX: y\": there is a control"),
    (#"respond(200, '', { ['X\r\nA'] = 'a' })"#, "is no name of a field"),
    ("respond(200, '', { ['X A'] = 'a' })", "\"X A\" is no name of a field"),
    ("respond(200, '', { ['Content-Length'] = 1 })", "the field Content-Length cannot be changed"),
    ("respond(200, '', { ['content-type'] = 'a/b' })", "Content-Type: write content_type = ..."),
    ("respond(200, '', { ['X-A'] = '$hots' })", #"unknown variable "$hots" at column 1 (did you"#),
    ("respond { statsu = 200 }", #"respond: statsu: unknown (did you mean "status"?)"#),
    ("respond { 'x' }", #"respond: "x" stands without a name before it"#),
    ("respond { body = 'x', file = 'y' }", "respond: file: there is a body already"),
    ("respond { file = '/nonexistent' }", "respond: file: cannot open /nonexistent: No such file"),
    ("redirect()", "redirect: expected a URL, got nil"),
    ("redirect('')", #"redirect: expected a URL, got """#),
    ("redirect('/', 200)", "redirect: expected 301, 302, 303, 307 or 308, got 200"),
    (#"redirect("/a\r\nX: y")"#, "blanks and what is beyond ASCII"),
    ("redirect('/a b')", "blanks and what is beyond ASCII"),
    ("redirect('/$status')", "the response is not known yet"),
  ])
  func `is refused with its line and a reason`(text: String, expected: String) {
    let found = messages(valid + "local a = " + text)
    #expect(found.count == 1)
    #expect(
      found.first.map { $0.hasPrefix("rsp.lua:1: ") && $0.contains(expected) } == true, "\(found)")
  }
}
