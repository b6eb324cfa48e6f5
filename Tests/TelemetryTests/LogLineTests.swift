// What a log line looks like, what it escapes, where it is cut, and that it is written at once.
import Glibc
import Testing

@testable import Telemetry

struct LogLineTests {
  private static let moment = Timestamp(seconds: 1_795_255_200, microseconds: 123_456, offset: 0)
  private static let stamp = "[2026-11-21 10:00:00.123456 +0000] "

  private func text(_ message: String, _ level: Log.Level = .info) -> String {
    String(decoding: LogLine(Self.moment, level, message).bytes, as: UTF8.self)
  }

  @Test func `an info line is the time and the message`() {
    #expect(
      text("Started.  Listening on port 8000.")
        == "[2026-11-21 10:00:00.123456 +0000] Started.  Listening on port 8000.\n")
  }

  @Test(arguments: [(Log.Level.debug, "debug: x"), (.warning, "warning: x"), (.error, "error: x")])
  func `every other level is named`(level: Log.Level, expected: String) {
    #expect(text("x", level) == Self.stamp + expected + "\n")
  }

  @Test(arguments: [
    ("a\nb", #"a\nb"#), ("a\r\nb", #"a\r\nb"#), ("a\tb", #"a\tb"#), ("\0", #"\u{0}"#),
    ("\u{1b}[2J", #"\u{1b}[2J"#), ("\u{7f}", #"\u{7f}"#), ("\u{9b}", #"\u{9b}"#),
    ("\u{202e}", #"\u{202e}"#), ("\u{2028}", #"\u{2028}"#),
  ])
  func `what acts or hides is escaped`(message: String, expected: String) {
    #expect(text(message) == Self.stamp + expected + "\n")
  }

  @Test(arguments: ["~ ^/u/\\d+", "grün", "日本", "🙂", ""])
  func `printable text stays as it is`(message: String) {
    #expect(text(message) == Self.stamp + message + "\n")
  }

  @Test func `a line of exactly the limit is whole`() {
    let message = String(repeating: "x", count: LogLine.limit - 1 - Self.stamp.utf8.count)
    #expect(text(message) == Self.stamp + message + "\n")
    #expect(text(message).utf8.count == LogLine.limit)
  }

  @Test func `a line one byte longer is cut and says so`() {
    let message = String(repeating: "x", count: LogLine.limit - Self.stamp.utf8.count)
    #expect(text(message) == Self.stamp + message.dropLast(4) + "...\n")
    #expect(text(message).utf8.count == LogLine.limit)
  }

  @Test(arguments: ["é", "🙂", "\u{1b}"], 0..<8)
  func `a cut never splits a character`(character: String, shift: Int) {
    let message =
      String(repeating: "x", count: shift) + String(repeating: character, count: LogLine.limit)
    let line = text(message)
    #expect((LogLine.limit - 8...LogLine.limit).contains(line.utf8.count))
    #expect(line.hasSuffix("...\n"))
    #expect(!line.contains("\u{fffd}"))
    let unit = character == "\u{1b}" ? #"\u{1b}"# : character
    let body = line.dropFirst(Self.stamp.count + shift).dropLast(4)
    #expect(body == String(repeating: unit, count: body.count / unit.count))
  }

  @Test func `a line goes out as it is`() throws {
    var ends: [Int32] = [0, 0]
    // SAFETY: pipe fills the two elements of the array.
    try #require(unsafe pipe(&ends) == 0)
    StandardError.write(LogLine(Self.moment, .error, "x").bytes, to: ends[1])
    var bytes = [UInt8](repeating: 0, count: 100)
    // SAFETY: read fills at most the array's 100 bytes.
    let count = unsafe read(ends[0], &bytes, bytes.count)
    #expect(String(decoding: bytes.prefix(count), as: UTF8.self) == Self.stamp + "error: x\n")
    ends.forEach { _ = close($0) }
  }

  @Test func `a log that cannot be written is no failure`() {
    StandardError.write(LogLine(Self.moment, .error, "x").bytes, to: -1)
  }

  @Test func `the limit is what the system writes to a pipe in one piece`() {
    #expect(LogLine.limit == Int(PIPE_BUF))
  }
}
