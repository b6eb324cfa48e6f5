// Responses: what is accepted, how bodies are framed, and what a server may not send.
import Testing

@testable import HTTP

@Test func `a response is taken apart`() {
  let head = "HTTP/1.1 200 Not\tso OK\r\nServer: x\r\nContent-Length: 5\r\n\r\n"
  #expect(
    response(head + "hello")
      == .head(
        """
        200 Not\tso OK 1.1 length(5) true - 0 \(head.utf8.count)
        Server=x/server/0
        Content-Length=5/contentLength/0
        """))
}

@Test(arguments: [
  ("HTTP/1.1 200 ", ""), ("HTTP/1.1 200", ""), ("HTTP/1.0 200 OK", "OK"),
  ("HTTP/1.7 200 \u{e9}", "\u{e9}"), ("HTTP/1.1 200  x", " x"),
]) func `a reason phrase may be anything or nothing`(line: String, reason: String) throws {
  _ = response(line + "\r\n\r\n")
  let (head, bytes) = try parsedResponse(line + "\r\n\r\n")
  #expect(text(bytes, head.reason) == reason && head.status == 200)
}

@Test func `status codes are three digits from 100`() throws {
  #expect(try parsedResponse("HTTP/1.1 100 \r\n\r\n").0.status == 100)
  #expect(try parsedResponse("HTTP/1.1 999 \r\n\r\n").0.status == 999)
  #expect(response("HTTP/1.1 099 \r\n\r\n") == .refused(.malformed(.status)))
}

private let badLines: [(String, ResponseError)] = [
  ("\r\nHTTP/1.1 200 OK\r\n", .malformed(.statusLine)),
  ("HTTP/1.1  200 OK\r\n", .malformed(.statusLine)),
  ("HTTP/1.1 20 OK\r\n", .malformed(.statusLine)),
  ("HTTP/1.1 2000 OK\r\n", .malformed(.statusLine)),
  ("HTTP/1.1 2x0 OK\r\n", .malformed(.statusLine)),
  ("HTTP/1.1 200-OK\r\n", .malformed(.statusLine)),
  ("HTTP/1.1 200\tOK\r\n", .malformed(.statusLine)),
  ("HTTP/1.1\r\n", .malformed(.statusLine)),
  ("HTTP/1.1 200 OK\n", .malformed(.statusLine)),
  ("HTTP/1.1 200 O\0K\r\n", .malformed(.statusLine)),
  ("HTTP/1.1 200 OK\rX\n", .malformed(.bareCarriageReturn)),
  ("http/1.1 200 OK\r\n", .malformed(.statusLine)),
  ("ICY 200 OK\r\n", .malformed(.statusLine)),
  ("SSH-2.0-x\r\n", .malformed(.statusLine)),
  ("HTTP/2.0 200 OK\r\n", .versionNotSupported),
  ("HTTP/0.9 200 OK\r\n", .versionNotSupported),
  ("HTTP/1.10 200 OK\r\n", .malformed(.statusLine)),
]

@Test(arguments: badLines) func `a malformed status line is refused`(
  line: String, error: ResponseError
) {
  #expect(response(line + "\r\n") == .refused(error))
}

private let badFields: [(String, ResponseError)] = [
  ("A : b\r\n", .malformed(.blankBeforeColon)),
  (" A: b\r\n", .malformed(.foldedLine)),
  ("A: b\n", .malformed(.fieldValue)),
  ("A: \0\r\n", .malformed(.fieldValue)),
  ("A: b\rc\r\n", .malformed(.bareCarriageReturn)),
  (": b\r\n", .malformed(.fieldName)),
  ("Content-Length: 1\r\nContent-Length: 1\r\n", .malformed(.repeatedContentLength)),
  ("Content-Length: 1, 1\r\n", .malformed(.contentLength)),
  ("Content-Length: -1\r\n", .malformed(.contentLength)),
  ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", .malformed(.lengthAndEncoding)),
  ("Transfer-Encoding: chunked, chunked\r\n", .malformed(.transferEncoding)),
  (
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    .malformed(.repeatedTransferEncoding)
  ),
  ("Transfer-Encoding: gzip, chunked\r\n", .transferEncoding),
  ("Connection: a b\r\n", .malformed(.connection)),
]

@Test(arguments: badFields) func `a malformed field makes a response useless`(
  fields: String, error: ResponseError
) {
  #expect(response("HTTP/1.1 200 OK\r\n\(fields)\r\n") == .refused(error))
  #expect(response("HTTP/1.1 200 OK\r\n\(fields)\r\n", to: .head) == .refused(error))
}

@Test func `a coding in an HTTP 1.0 response is refused`() {
  #expect(
    response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
      == .refused(.malformed(.transferEncodingInOldVersion)))
}

private let length = "Content-Length: 5\r\n"
private let chunked = "Transfer-Encoding: chunked\r\n"

private let framings: [(UInt16, HTTP.Method, String, BodyFraming, Bool)] = [
  (200, .get, length, .length(5), true),
  (200, .get, "Content-Length: 0\r\n", .length(0), true),
  (200, .get, chunked, .chunked, true),
  (200, .get, "", .untilClose, false),
  (200, .get, "Connection: keep-alive\r\n", .untilClose, false),
  (200, .get, length + "Connection: close\r\n", .length(5), false),
  (500, .post, length, .length(5), true),
  (200, .head, length, .none, true),
  (200, .head, chunked, .none, true),
  (200, .head, "", .none, true),
  (304, .get, length, .none, true),
  (304, .get, chunked, .none, true),
  (304, .get, "", .none, true),
  (204, .get, "", .none, true),
  (204, .get, "Content-Length: 0\r\n", .none, true),
  (204, .get, length, .none, false),
  (100, .put, "", .none, true),
  (103, .get, "Content-Length: 0\r\n", .none, true),
  (200, .connect, length, .none, true),
  (407, .connect, length, .length(5), true),
]

@Test(arguments: framings) func `a response is framed by status, method and fields`(
  status: UInt16, method: HTTP.Method, fields: String, framing: BodyFraming, keepAlive: Bool
) throws {
  let (head, _) = try parsedResponse("HTTP/1.1 \(status) x\r\n\(fields)\r\n", to: method)
  #expect(head.framing == framing)
  #expect(head.keepAlive == keepAlive)
}

@Test func `a message without a body may not announce one in chunks`() {
  for status in [100, 101, 103, 199, 204] {
    #expect(
      response("HTTP/1.1 \(status) x\r\n\(chunked)\r\n")
        == .refused(.malformed(.encodingWithoutBody)))
  }
  #expect(response("HTTP/1.1 100 x\r\n\(length)\r\n") == .refused(.malformed(.contentLength)))
}

@Test func `an HTTP 1.0 server keeps a connection only if it says so`() throws {
  #expect(try !parsedResponse("HTTP/1.0 200 OK\r\n\(length)\r\n").0.keepAlive)
  let kept = "HTTP/1.0 200 OK\r\n\(length)Connection: keep-alive\r\n\r\n"
  #expect(try parsedResponse(kept).0.keepAlive)
}

@Test(
  arguments: [
    ("timeout=5", 5), ("max=3, Timeout=10", 10), ("timeout=5, max=100", 5), ("max=3", nil),
    ("timeout=", nil), ("timeout=x", nil), ("timeout=-1", nil), ("timeout=99999999999", nil),
    ("timeout=999999999", 999_999_999), ("", nil), ("xtimeout=5", nil), ("timeout=0", 0),
  ] as [(String, UInt32?)]) func `a server says how long it keeps an idle connection`(
    value: String, seconds: UInt32?
  ) throws
{
  let (head, _) = try parsedResponse("HTTP/1.1 204 x\r\nKeep-Alive: \(value)\r\n\r\n")
  #expect(head.keepAliveTimeout == seconds)
}

@Test func `a server that switches protocols says to which`() throws {
  let (head, bytes) = try parsedResponse(
    "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
  #expect(head.upgrade.map { text(bytes, $0) } == "websocket")
}

@Test func `requests' rules for Host and Expect are not a response's`() throws {
  let (head, _) = try parsedResponse(
    "HTTP/1.1 204 x\r\nHost: a,b\r\nHost: c\r\nExpect: x\r\n\r\n")
  #expect(head.fields.count == 3)
}

@Test func `fields that Connection names are marked in responses too`() throws {
  let (head, _) = try parsedResponse(
    "HTTP/1.1 204 x\r\nA: b\r\nDate: x\r\nConnection: a, date\r\n\r\n")
  #expect(head.fields.map(\.flags) == [.namedByConnection, [], []])
}
