// Every limit of a head, at the limit and one past it.
import Testing

@testable import HTTP

private func x(_ count: Int) -> String { String(repeating: "x", count: count) }

private func isComplete<E>(_ outcome: Outcome<E>) -> Bool {
  if case .head = outcome { true } else { false }
}

@Test func `a request line of the limit is accepted and one byte more gets 414`() {
  let limits = HeadLimits(head: 2000, line: 100, fields: 10)
  let line = { (n: Int) in "GET /\(x(n - 14)) HTTP/1.1\r\nHost: a\r\n\r\n" }
  #expect(isComplete(request(line(100), limits: limits)))
  #expect(request(line(101), limits: limits) == .refused(.uriTooLong))
  #expect(request("GET /" + x(95), limits: limits) == .needMore)
  #expect(request("GET /" + x(96), limits: limits) == .refused(.uriTooLong))
  #expect(request(x(101), limits: limits) == .refused(.uriTooLong))
}

@Test func `the default limits are 8 KiB a line, 32 KiB a head and 100 fields`() {
  let host = "Host: a\r\n"
  let line = { (n: Int) in "GET /\(x(n - 14)) HTTP/1.1\r\n" + host + "\r\n" }
  #expect(isComplete(request(line(8192))))
  #expect(request(line(8193)) == .refused(.uriTooLong))
  let fields = { (n: Int) in
    "GET / HTTP/1.1\r\n" + host + String(repeating: "A:\r\n", count: n - 1) + "\r\n"
  }
  #expect(isComplete(request(fields(100))))
  #expect(request(fields(101)) == .refused(.fieldsTooLarge))
  let full = "A: \(x(8187))\r\n"  // 8192 bytes
  let begin = "GET / HTTP/1.1\r\n" + host + full + full + full + "B: "
  let head = { (n: Int) in begin + x(n - begin.utf8.count - 4) + "\r\n\r\n" }
  #expect(isComplete(request(head(32768))))
  #expect(request(head(32769)) == .refused(.fieldsTooLarge))
}

@Test func `a field line of the limit is accepted and one byte more gets 431`() {
  let limits = HeadLimits(head: 2000, line: 100, fields: 10)
  let head = { (n: Int) in "GET / HTTP/1.1\r\nHost: a\r\nB: \(x(n - 3))\r\n\r\n" }
  #expect(isComplete(request(head(100), limits: limits)))
  #expect(request(head(101), limits: limits) == .refused(.fieldsTooLarge))
  let name = { (n: Int) in "GET / HTTP/1.1\r\nHost: a\r\n" + x(n) }
  #expect(request(name(100), limits: limits) == .needMore)
  #expect(request(name(101), limits: limits) == .refused(.fieldsTooLarge))
}

@Test func `empty lines before a request count towards no limit but their own`() {
  let limits = HeadLimits(head: 27, line: 14, fields: 1)
  let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
  #expect(head.utf8.count == 27)
  #expect(isComplete(request("\r\n\r\n" + head, limits: limits)))
  #expect(request("\r\n\r\n\r\n" + head, limits: limits) == .refused(.badRequest(.emptyLines)))
  #expect(
    request(head, limits: HeadLimits(head: 26, line: 14, fields: 1)) == .refused(.fieldsTooLarge))
}

@Test func `a fault within the limit is told before the limit is passed`() {
  let limits = HeadLimits(head: 2000, line: 20, fields: 10)
  let head = "GET / HTTP/1.1\r\n"
  #expect(
    request(head + "A: \(x(17))\0\(x(50))", limits: limits) == .refused(.badRequest(.fieldValue)))
  #expect(request(head + "A: \(x(18))\0\(x(50))", limits: limits) == .refused(.fieldsTooLarge))
}

@Test func `limits that contradict each other still do not depend on the cuts`() {
  for head in 0..<40 {
    for line in stride(from: 0, to: 40, by: 3) {
      let limits = HeadLimits(head: head, line: line, fields: 1)
      _ = request("\r\nGET /?a=b HTTP/1.1\r\nHost: a\r\n\r\n", limits: limits)
      _ = response("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", limits: limits)
    }
  }
  #expect(request("GET", limits: HeadLimits(head: 0, line: 0, fields: 0)) == .refused(.uriTooLong))
}

@Test func `a Connection field may name 64 fields and no more`() {
  let head = { (n: Int) in
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close"
      + String(repeating: ",a", count: n) + "\r\n\r\n"
  }
  #expect(isComplete(request(head(64))))
  #expect(request(head(65)) == .refused(.fieldsTooLarge))
}

@Test func `a response has limits of its own`() {
  let fields = { (n: Int) in
    "HTTP/1.1 200 OK\r\n" + String(repeating: "A:\r\n", count: n) + "\r\n"
  }
  #expect(isComplete(response(fields(200))))
  #expect(response(fields(201)) == .refused(.tooLarge))
  let line = { (n: Int) in "HTTP/1.1 200 \(x(n - 13))\r\n\r\n" }
  #expect(isComplete(response(line(8192))))
  #expect(response(line(8193)) == .refused(.tooLarge))
}
