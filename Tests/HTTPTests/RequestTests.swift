// What the parser makes of requests that are right.
import Testing

@testable import HTTP

@Test func `a request is taken apart`() throws {
  let head = """
    POST /a/b?c=d?e HTTP/1.1\r
    Host: example.com:8080\r
    User-Agent:  x  y \t\r
    Empty:\r
    content-LENGTH: 12\r
    X_Y: \u{e9}\tz\r
    \r\n
    """
  #expect(
    request(head + "more bytes")
      == .head(
        """
        post POST /a/b?c=d?e origin  example.com:8080 /a/b c=d?e true 1.1 length(12) true false - \
        \(head.utf8.count)
        Host=example.com:8080/host/0
        User-Agent=x  y/other/0
        Empty=/other/0
        content-LENGTH=12/contentLength/0
        X_Y=\u{e9}\tz/other/2
        """))
}

@Test func `two empty lines before a request are skipped and counted`() throws {
  let (head, _) = try parsed("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest")
  #expect(head.byteCount == 31)
  #expect(head.method == .get)
}

@Test func `one parser and one head serve one request after another`() throws {
  let bytes =
    Array("GET /1?q HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".utf8)
    + Array("POST /2 HTTP/1.0\r\nContent-Length: 1\r\n\r\n".utf8)
  let head = RequestHead()
  var parser = HeadParser(limits: .request)
  let first = try parser.parse(unsafe bytes.span.bytes, into: head)
  #expect(first && head.fields.count == 3 && head.hasQuery && head.upgrade != nil)
  let rest = unsafe bytes.span.extracting(head.byteCount...).bytes
  let second = try parser.parse(rest, into: head)
  #expect(second && head.fields.count == 1 && !head.hasQuery && head.upgrade == nil)
  #expect(head.method == .post && head.host.isEmpty && head.query.isEmpty && !head.keepAlive)
}

@Test func `a parser that was reset in the middle of a head begins anew`() throws {
  let bytes = Array("GET /1 HTTP/1.1\r\nHost: a\r\nConte".utf8)
  let other = Array("PUT /2 HTTP/1.1\r\nHost: b\r\n\r\n".utf8)
  let head = RequestHead()
  var parser = HeadParser(limits: .request)
  let first = try parser.parse(unsafe bytes.span.bytes, into: head)
  #expect(!first)
  parser.reset()
  let second = try parser.parse(unsafe other.span.bytes, into: head)
  #expect(second && head.method == .put && head.fields.count == 1)
}

@Test(arguments: [
  ("GET", HTTP.Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
  ("OPTIONS", .options), ("TRACE", .trace), ("PATCH", .patch), ("QUERY", .query),
  ("get", .other), ("GETS", .other), ("PROPFIND", .other), ("!#$%&'*+-.^_`|~", .other),
  ("M", .other),
]) func `methods are told apart by case`(name: String, method: HTTP.Method) throws {
  let (head, bytes) = try parsed("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n")
  #expect(head.method == method)
  #expect(text(bytes, head.methodRange) == name)
}

@Test func `safe and idempotent are the methods of RFC 9110`() {
  let all = (0...10).compactMap { HTTP.Method(rawValue: $0) }
  #expect(all.filter(\.isSafe) == [.get, .head, .options, .trace, .query])
  #expect(all.filter(\.isIdempotent) == [.get, .head, .put, .delete, .options, .trace, .query])
}

@Test(arguments: [
  ("http://a.example/b?c", "a.example", "/b", "c"),
  ("HTTPS://a:443", "a:443", "", "-"),
  ("http://[::1]:80?", "[::1]:80", "", ""),
  ("http://A/", "A", "/", "-"),
]) func `an absolute target names the host`(
  target: String, authority: String, path: String, query: String
) throws {
  let host = authority.lowercased()
  let (head, bytes) = try parsed("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
  #expect(head.form == .absolute)
  #expect(text(bytes, head.authority) == authority)
  #expect(text(bytes, head.host) == host)
  #expect(text(bytes, head.path) == path)
  #expect((head.hasQuery ? text(bytes, head.query) : "-") == query)
}

@Test func `an absolute target of HTTP 1.0 needs no Host`() throws {
  let (head, bytes) = try parsed("GET http://a:1/ HTTP/1.0\r\n\r\n")
  #expect(text(bytes, head.host) == "a:1")
}

@Test func `CONNECT takes an authority and OPTIONS an asterisk`() throws {
  let (connect, bytes) = try parsed("CONNECT a:80 HTTP/1.1\r\nHost: b\r\n\r\n")
  #expect(connect.form == .authority && connect.method == .connect)
  #expect(text(bytes, connect.authority) == "a:80")
  let (options, _) = try parsed("OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n")
  #expect(options.form == .asterisk && options.path.isEmpty)
}

@Test(arguments: [
  "a", "a.b.example", "A-B_c~d", "localhost:0", "a:65535", "127.0.0.1:80", "[::]", "[::1]:8080",
  "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:1.2.3.4]", "[::ffff:192.0.2.1]", "[fe80::1:2]", "[1::]",
  "a%20b", "a!$&'()*+;=b", "1.2.3.4.5", "x.", "a:00080",
]) func `a Host of RFC 3986 is accepted`(host: String) throws {
  let (head, bytes) = try parsed("GET / HTTP/1.1\r\nHost: \t\(host) \r\n\r\n")
  #expect(text(bytes, head.host) == host)
}

private let framings: [(String, BodyFraming)] = [
  ("", .none),
  ("Content-Length: 0\r\n", .length(0)),
  ("Content-Length: 007\r\n", .length(7)),
  ("Content-Length: 9223372036854775807\r\n", .length(UInt64(Int64.max))),
  ("Transfer-Encoding: chunked\r\n", .chunked),
  ("TRANSFER-encoding: \t CHUNKED \r\n", .chunked),
]

@Test(arguments: framings, ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "X"])
func `a body is framed by its fields whatever the method`(
  fields: (String, BodyFraming), method: String
) throws {
  let (head, _) = try parsed("\(method) / HTTP/1.1\r\nHost: a\r\n\(fields.0)\r\n")
  #expect(head.framing == fields.1)
}

private let persistence: [(String, String, Bool)] = [
  ("1.1", "", true), ("1.1", "close", false), ("1.1", "keep-alive", true), ("1.1", "CLOSE", false),
  ("1.1", "x, Close", false), ("1.1", "keep-alive, close", false), ("1.1", ",, ,close,", false),
  ("1.1", "closed", true), ("1.9", "", true), ("1.0", "", false), ("1.0", "keep-alive", true),
  ("1.0", "Keep-Alive, x", true), ("1.0", "keep-alive, close", false), ("1.0", "close", false),
]

@Test(arguments: persistence) func `a connection persists as RFC 9112 has it`(
  version: String, connection: String, keepAlive: Bool
) throws {
  let (head, _) = try parsed(
    "GET / HTTP/\(version)\r\nHost: a\r\nConnection: \(connection)\r\n\r\n")
  #expect(head.keepAlive == keepAlive)
  #expect(head.minorVersion == (version == "1.0" ? 0 : 1))
}

@Test(arguments: [
  ("1.1", "Expect: 100-continue\r\nContent-Length: 1\r\n", true),
  ("1.1", "Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", true),
  ("1.1", "Expect: 100-continue\r\nContent-Length: 0\r\n", false),
  ("1.1", "Expect: 100-continue\r\n", false),
  ("1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n", false),
  ("1.0", "Expect: nonsense\r\nContent-Length: 1\r\n", false),
]) func `a 100 is waited for where there is a body to wait`(
  version: String, fields: String, expects: Bool
) throws {
  let (head, _) = try parsed("PUT / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n")
  #expect(head.expectsContinue == expects)
}

@Test(arguments: [
  ("1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "websocket"),
  ("1.1", "Upgrade: a, b\r\nConnection: keep-alive, upgrade\r\n", "a, b"),
  ("1.1", "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n", "a"),
  ("1.1", "Upgrade: websocket\r\n", "-"),
  ("1.1", "Connection: upgrade\r\n", "-"),
  ("1.1", "Connection: upgrade\r\nUpgrade:\r\n", "-"),
  ("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", "-"),
]) func `an upgrade needs both fields and HTTP 1.1`(
  version: String, fields: String, upgrade: String
) throws {
  let (head, bytes) = try parsed("GET / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n")
  #expect((head.upgrade.map { text(bytes, $0) } ?? "-") == upgrade)
}

@Test func `fields that Connection names are marked`() throws {
  let (head, bytes) = try parsed(
    "GET / HTTP/1.1\r\nHost: a\r\nfoo: 1\r\nBAR: 2\r\nConnection: close, Foo,bar\r\n"
      + "Fo: 3\r\nfoo: 4\r\nTE: x\r\nConnection: te\r\n\r\n")
  let marked = head.fields.filter { $0.flags.contains(.namedByConnection) }
  #expect(marked.map { text(bytes, $0.value) } == ["1", "2", "4", "x"])
}

@Test(arguments: [
  "Host", "Authorization", "Cookie", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
  "X-Real-IP", "X-Request-ID", "Forwarded", "Via", "Content-Length", "Content-Type", "Expect",
]) func `a client cannot have a field removed that others rely on`(name: String) throws {
  let value = name == "Content-Length" ? "1" : name == "Expect" ? "100-continue" : "a"
  let host = name == "Host" ? "" : "Host: a\r\n"
  let (head, _) = try parsed(
    "GET / HTTP/1.1\r\n\(host)\(name): \(value)\r\nConnection: \(name), x\r\nX: y\r\n\r\n")
  #expect(head.fields.filter { $0.flags.contains(.namedByConnection) }.count == 1)
}

@Test func `names with an underscore or a dot are marked`() throws {
  let (head, _) = try parsed(
    "GET / HTTP/1.1\r\nHost: a\r\na_b: 1\r\na.b:\r\na-b: 1\r\n!a~: 1\r\n\r\n")
  #expect(head.fields.map { $0.flags.contains(.unusualName) } == [false, true, true, false, false])
}

@Test func `lines can be copied with their line ends`() throws {
  let (head, bytes) = try parsed("GET / HTTP/1.1\r\nHost: a\r\nB:  c \r\n\r\nD: e\r\n")
  #expect(text(bytes, head.line(0)) == "Host: a\r\n")
  #expect(text(bytes, head.line(1)) == "B:  c \r\n")
  #expect(text(bytes, head.fieldBytes) == "Host: a\r\nB:  c \r\n")
  #expect(head.first(.host)?.value == head.host && head.first(.via) == nil)
  let (bare, _) = try parsed("GET / HTTP/1.0\r\n\r\n")
  #expect(bare.fieldBytes.isEmpty)
}
