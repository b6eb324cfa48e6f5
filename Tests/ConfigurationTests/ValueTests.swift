// Durations, sizes and suggestions.
import Scripting
import Testing

@testable import Configuration

@Suite struct `A unit` {
  @Test(arguments: [
    ("250ms", 250), ("3s", 3000), ("5m", 300_000), ("1h", 3_600_000), ("2", 2000),
    ("1H", 3_600_000), ("0s", 0), ("180d", 15_552_000_000),
  ])
  func `of time is milliseconds`(text: String, expected: Int) throws {
    #expect(try Unit.milliseconds.parse(.string(text)) == expected)
  }

  @Test(arguments: [("16k", 16_384), ("1m", 1_048_576), ("1G", 1_073_741_824), ("7", 7)])
  func `of memory is bytes`(text: String, expected: Int) throws {
    #expect(try Unit.bytes.parse(.string(text)) == expected)
  }

  @Test(arguments: [
    "", "s", "-1s", "+1s", "1.5s", "1 s", "1w", "1sec", "99999999999999999999",
    "9223372036854775807h",
  ])
  func `of time that is malformed is refused`(text: String) {
    #expect(throws: ValueError.self) { try Unit.milliseconds.parse(.string(text)) }
  }

  @Test func `may be a bare number of seconds, also a part of one, or of whole bytes`() throws {
    #expect(try Unit.milliseconds.parse(.number(1.5)) == 1500)
    #expect(try Unit.bytes.parse(.number(4096)) == 4096)
    #expect(throws: ValueError.self) { try Unit.bytes.parse(.number(0.5)) }
    for number in [Double.nan, .infinity, 1e300] {
      #expect(throws: ValueError.self) { try Unit.milliseconds.parse(.number(number)) }
      #expect(throws: ValueError.self) { try Unit.bytes.parse(.number(number)) }
    }
    #expect(throws: ValueError.self) { try Unit.bytes.parse(.boolean(true)) }
  }

  @Test func `is written as it is read`() throws {
    for value in [0, 1, 999, 1000, 60_000, 75_000, 120_000, 3_600_000, 5_400_000] {
      let text = Unit.milliseconds.format(value)
      #expect(try Unit.milliseconds.parse(.string(text)) == value)
    }
    #expect(Unit.milliseconds.format(60_000) == "60s")
    #expect(Unit.bytes.format(262_144) == "256k")
    #expect(Unit.bytes.format(1000) == "1000")
  }
}

@Suite struct `A suggestion` {
  @Test(arguments: [
    ("ballance", "balance"), ("reties", "retries"), ("Retries", "retries"),
    ("conect_timeout", "connect_timeout"), ("viaa", "via"),
  ])
  func `is the name that was meant`(name: String, meant: String) {
    let names = ["balance", "retries", "connect_timeout", "via"]
    #expect(suggestion(for: name, among: names) == " (did you mean \"\(meant)\"?)")
  }

  @Test(arguments: ["colour", "x", "v", "timeout"])
  func `is not made when nothing is near`(name: String) {
    #expect(suggestion(for: name, among: ["balance", "retries", "connect_timeout"]) == "")
  }

  @Test func `counts a swap of neighbours as one mistake`() {
    #expect(editDistance("raed", "read") == 1)
    #expect(editDistance("", "abc") == 3)
    #expect(editDistance("kitten", "sitting") == 3)
  }
}
