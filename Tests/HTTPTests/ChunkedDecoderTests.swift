// Chunked bodies, whole and in pieces, right and wrong.
import Testing

@testable import HTTP

private enum Result: Equatable {
  case body(String, trailers: String, rest: String)
  case needMore(String)
  case refused(ChunkedError)
}

/// Decodes `text` fed up to each of `cuts` in turn; what the decoder has consumed is taken away
/// each time, as a connection's buffer would.
private func decode(
  _ bytes: [UInt8], _ cuts: [Int], limits: HeadLimits = .trailers
) -> Result {
  var decoder = ChunkedDecoder(trailers: limits)
  var data: [UInt8] = []
  var consumed = 0
  do throws(ChunkedError) {
    for cut in cuts where cut >= consumed {
      let part = unsafe bytes.span.extracting(consumed..<cut).bytes
      var position = 0
      next: while true {
        switch try decoder.next(part, from: &position) {
        case .data(let range):
          for i in range { data.append(part[i]) }
        case .needMore: break next
        case .end(let trailers):
          return .body(
            String(decoding: data, as: UTF8.self),
            trailers: part.extracting(trailers).string(),
            rest: unsafe bytes.span.extracting((consumed + position)...).bytes.string())
        }
      }
      consumed += position
    }
    return .needMore(String(decoding: data, as: UTF8.self))
  } catch {
    return .refused(error)
  }
}

private func decode(
  _ text: String, limits: HeadLimits = .trailers, _ location: SourceLocation = #_sourceLocation
) -> Result {
  let bytes = Array(text.utf8)
  let whole = decode(bytes, [bytes.count], limits: limits)
  #expect(decode(bytes, Array(0...bytes.count), limits: limits) == whole, sourceLocation: location)
  for cut in 0..<bytes.count where bytes.count < 1500 || cut % 997 < 3 {
    let inTwo = decode(bytes, [cut, bytes.count], limits: limits)
    #expect(inTwo == whole, "cut at \(cut)", sourceLocation: location)
  }
  return whole
}

private func x(_ count: Int) -> String { String(repeating: "x", count: count) }

@Test(arguments: [
  ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"),
  ("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"), ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
  ("a\r\n0123456789\r\n00\r\n\r\n", "0123456789"), ("0000000000000001\r\nx\r\n0\r\n\r\n", "x"),
  ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n"), ("1;a=b\r\nx\r\n0;c\r\n\r\n", "x"),
  ("1;\r\nx\r\n0\r\n\r\n", "x"), ("1; a = \"b;\t\u{e9}\"\r\nx\r\n0\r\n\r\n", "x"),
]) func `chunks are put together`(text: String, body: String) {
  #expect(decode(text) == .body(body, trailers: "\r\n", rest: ""))
  #expect(decode(text + "GET /") == .body(body, trailers: "\r\n", rest: "GET /"))
}

@Test func `the trailer section is found and what follows is left`() {
  let trailers = "A: b\r\nContent-Length: 5\r\n\r\n"
  #expect(decode("1\r\nx\r\n0\r\n\(trailers)GET") == .body("x", trailers: trailers, rest: "GET"))
}

private let faults: [(String, ChunkedError)] = [
  ("\r\n", .size), ("x", .size), (" 1\r\n", .size), ("1 \r\n", .size), ("1\t\r\n", .size),
  ("1 ;a\r\n", .size), ("+1\r\n", .size), ("-1\r\n", .size), ("0x1\r\n", .size), ("1_0\r\n", .size),
  (";a\r\n", .size), ("1\n", .size), ("1.0\r\n", .size), ("1g\r\n", .size), ("\0", .size),
  ("1\rx", .lineEnd), ("1\r\r\n", .lineEnd), ("00000000000000001\r\n", .sizeTooLarge),
  ("10000000000000000\r\n", .sizeTooLarge), ("8000000000000000\r\n", .sizeTooLarge),
  ("FFFFFFFFFFFFFFFF\r\n", .sizeTooLarge), ("1;a\nb\r\n", .extension), ("1;a\0\r\n", .extension),
  ("1;a\u{7f}\r\n", .extension), ("1;a\rb\r\n", .lineEnd), ("1\r\nx0\r\n\r\n", .lineEnd),
  ("1\r\nx\n0\r\n\r\n", .lineEnd), ("1\r\nxy\r\n", .lineEnd), ("1\r\nx\rx", .lineEnd),
  ("1\r\nx\r\n\r\n", .size), ("0\r\n\n", .trailers), ("0\r\nA: b\n\r\n", .trailers),
  ("0\r\nA: b\rc\r\n\r\n", .trailers), ("0\r\nA: \0\r\n\r\n", .trailers), ("0\r\n\rx", .trailers),
]

@Test(arguments: faults) func `a malformed chunk is refused`(text: String, fault: ChunkedError) {
  #expect(decode(text) == .refused(fault))
  #expect(decode("3\r\nabc\r\n" + text) == .refused(fault))
}

@Test(arguments: ["", "5", "5\r", "5\r\n", "5;a", "0", "0\r\n", "0\r\n\r", "0\r\nA: b\r\n\r"])
func `a body that is not complete needs more`(text: String) {
  #expect(decode(text) == .needMore(""))
}

@Test func `a chunk may be as large as Int64 allows`() {
  #expect(decode("7fffffffffffffff\r\nabc") == .needMore("abc"))
}

@Test func `an extension of 4096 bytes is accepted and one byte more is not`() {
  #expect(decode("1;\(x(4096))\r\na\r\n0\r\n\r\n") == .body("a", trailers: "\r\n", rest: ""))
  #expect(decode("1;\(x(4097))\r\na\r\n0\r\n\r\n") == .refused(.extension))
}

@Test func `many extensions to little data are refused`() {
  // Each chunk adds 1000 bytes and is granted 18: the 17th goes over 16 KiB.
  let chunk = "1;\(x(1000))\r\na\r\n"
  #expect(
    decode(String(repeating: chunk, count: 16)) == .needMore(String(repeating: "a", count: 16)))
  #expect(decode(String(repeating: chunk, count: 17)) == .refused(.tooMuchOverhead))
}

@Test func `short extensions may go on for ever`() {
  let chunk = "1;abcdefghijklmno\r\na\r\n"
  let decoded = decode(String(repeating: chunk, count: 3000))
  #expect(decoded == .needMore(String(repeating: "a", count: 3000)))
}

@Test func `trailers are limited in bytes and in number`() {
  let limits = HeadLimits(head: 40, line: 40, fields: 3)
  let section = { (n: Int) in "A: \(x(n - 7))\r\n\r\n" }
  let end = "0\r\n"
  #expect(
    decode(end + section(40), limits: limits) == .body("", trailers: section(40), rest: ""))
  #expect(decode(end + section(41), limits: limits) == .refused(.trailersTooLarge))
  let three = "A: b\r\nA: b\r\nA: b\r\n"
  #expect(
    decode(end + three + "\r\n", limits: limits) == .body("", trailers: three + "\r\n", rest: ""))
  #expect(decode(end + three + "A", limits: limits) == .refused(.trailersTooLarge))
  #expect(HeadLimits.trailers.head == 8192 && HeadLimits.trailers.fields == 100)
}

@Test func `data that was moved by other means is skipped`() throws {
  let bytes = Array("a\r\n01\r\n0\r\n\r\n".utf8)
  let span = unsafe bytes.span.bytes
  var decoder = ChunkedDecoder()
  var position = 0
  #expect(try decoder.next(span.extracting(0..<5), from: &position) == .data(3..<5))
  #expect(decoder.remainingInChunk == 8)
  decoder.skip(7)
  #expect(decoder.remainingInChunk == 1)
  decoder.skip(1)
  #expect(try decoder.next(span, from: &position) == .end(trailers: 10..<12))
  #expect(position == 12 && decoder.isFinished)
}

@Test func `after the end there is nothing more`() throws {
  let bytes = Array("0\r\n\r\n5\r\n".utf8)
  var decoder = ChunkedDecoder()
  var position = 0
  _ = try decoder.next(unsafe bytes.span.bytes, from: &position)
  #expect(try decoder.next(unsafe bytes.span.bytes, from: &position) == .end(trailers: 5..<5))
}

private func trailers(_ text: String) throws(RequestError) -> String {
  let bytes = Array(text.utf8)
  var fields = FieldLines()
  try HeadParser.parseTrailers(unsafe bytes.span.bytes, into: &fields)
  return describe(fields, bytes)
}

@Test func `trailers are fields that mean nothing to the message`() throws {
  #expect(try trailers("\r\n") == "")
  #expect(
    try trailers("A: b\r\nHost: ,\r\nContent-Length: x\r\nx_y:\r\n\r\n")
      == "A=b/other/0\nHost=,/host/0\nContent-Length=x/contentLength/0\nx_y=/other/2")
}

@Test(arguments: ["A : b\r\n\r\n", "A: b\r\n c\r\n\r\n", "A\r\n\r\n", "", "A: b\r\n", "\r\n\r\n"])
func `a malformed trailer section is refused`(section: String) {
  #expect(throws: RequestError.self) { try trailers(section) }
}
