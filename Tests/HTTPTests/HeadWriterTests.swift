// Heads, dates and the proxy's own answers as they are written.
import Bytes
import Testing

@testable import HTTP

@Test func `heads are written line by line`() throws {
  let request = Array("GET/pathNameValue".utf8)
  let all = unsafe request.span.bytes
  let name = all.extracting(8..<12)
  let value = all.extracting(12..<17)
  let pool = BufferPool()
  var buffer = pool.borrow(.small)
  try buffer.write(requestLine: all.extracting(0..<3), target: all.extracting(3..<8))
  try buffer.write(field: name, value)
  try buffer.write(field: "A", value)
  try buffer.write(field: "B", "c")
  try buffer.write(field: "N", decimal: UInt64.max)
  try buffer.writeEndOfHead()
  let head = buffer.bytes.string()
  #expect(
    head
      == "GET /path HTTP/1.1\r\nName: Value\r\nA: Value\r\nB: c\r\nN: 18446744073709551615\r\n\r\n")
  #expect(try written { try $0.write(statusLine: .notFound) } == "HTTP/1.1 404 Not Found\r\n")
  buffer.reset()
  try buffer.write(statusLine: .ok, reason: name)
  let line = buffer.bytes.string()
  #expect(line == "HTTP/1.1 200 Name\r\n")
}

@Test func `a head that does not fit is an error and never a trap`() throws {
  let answer = ErrorAnswer(.badRequest, "x", keepAlive: true, retryAfter: .max, allow: "GET")
  let whole = try written { try answer.write(to: &$0, unixSeconds: 0) }
  let pool = BufferPool()
  for room in 0..<whole.utf8.count + 20 {
    var buffer = pool.borrow(.small)
    while buffer.tailroom > room { buffer.append(0x20) }
    let fits = (try? answer.write(to: &buffer, unixSeconds: 0)) != nil
    // A number asks for room for the longest one, so the last few sizes may be refused early.
    if fits { #expect(buffer.bytes.string().hasSuffix(whole)) }
    if room < whole.utf8.count { #expect(!fits) }
    if room == whole.utf8.count + 19 { #expect(fits) }
  }
}

@Test(
  arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
    (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"), (.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
    (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
  ] as [(Int64, String)]) func `dates are IMF-fixdate`(seconds: Int64, expected: String)
{
  let date = written { HTTPDate.append(seconds, to: &$0) }
  #expect(date == expected && date.utf8.count == HTTPDate.byteCount)
}

@Test func `an error answer is a complete message`() throws {
  let answer = ErrorAnswer(RequestError.badRequest(.missingHost))
  let whole = try written { try answer.write(to: &$0, unixSeconds: 784_111_777) }
  let body = "400 Bad Request: the Host field is missing\n"
  let head = """
    HTTP/1.1 400 Bad Request\r
    Date: Sun, 06 Nov 1994 08:49:37 GMT\r
    Content-Type: text/plain; charset=utf-8\r
    Content-Length: \(body.utf8.count)\r
    Connection: close\r
    \r\n
    """
  #expect(whole == head + body)
  #expect(try written { try answer.write(to: &$0, unixSeconds: 784_111_777, isHead: true) } == head)
}

@Test func `an error answer may tell when to come back and what is allowed`() throws {
  let answer = ErrorAnswer(.serviceUnavailable, keepAlive: true, retryAfter: 5, allow: "GET, HEAD")
  let whole = try written { try answer.write(to: &$0, unixSeconds: 0) }
  #expect(whole.contains("\r\nRetry-After: 5\r\nAllow: GET, HEAD\r\nConnection: keep-alive\r\n"))
  #expect(whole.hasSuffix("\r\n\r\n503 Service Unavailable\n"))
  let (head, bytes) = try parsedResponse(whole)
  #expect(head.framing == .length(UInt64(bytes.count - head.byteCount)))
}

@Test func `every status has a phrase and every fault its words`() {
  for code in UInt16(200)...999 {
    #expect(Status(code).reason.utf8CodeUnitCount > 0)
    let answer = ErrorAnswer(Status(code), "why")
    let whole = try? written { try answer.write(to: &$0, unixSeconds: 0) }
    let parsed = whole.flatMap { try? parsedResponse($0) }
    #expect(parsed?.0.status == code)
  }
  #expect(Status(404).reason.description == "Not Found" && Status(103).isInterim)
}
