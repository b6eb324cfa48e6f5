// JSON as we speak it: what is read, what is refused, and what is written.
import Testing

@testable import JSON

private func read(_ text: String) throws(JSONError) -> JSON { try JSON(Array(text.utf8)) }

struct JSONTests {
  @Test func `an object is read with its values in their order`() throws {
    let json = try read(
      #" {"command": "reload", "confirm" : 60, "deep":[true,false,null,-1.5e2,{}], "x":""} "#)
    #expect(
      json == [
        "command": "reload", "confirm": 60,
        "deep": [true, false, .null, .number(-150), .object([])], "x": "",
      ])
    #expect(json["confirm"]?.int == 60)
    #expect(json["none"] == nil)
  }

  @Test(
    arguments: [
      (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e4\u20AC""#, "ä€"),
      (#""\ud83d\ude00""#, "😀"), (#""ä€😀""#, "ä€😀"), (#""\u0000""#, "\0"),
    ])
  func `escapes stand for what they say`(_ text: String, _ meaning: String) throws {
    #expect(try read(text) == .string(meaning))
  }

  @Test(
    arguments: [
      ("0", JSON.integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
      ("9223372036854775808", .number(9.223372036854775808e18)), ("1.5", .number(1.5)),
      ("1E+2", .number(100)),
    ])
  func `numbers are integers where they can be`(_ text: String, _ value: JSON) throws {
    #expect(try read(text) == value)
  }

  @Test(
    arguments: [
      "", " ", "{", "}", "[1,]", "[,1]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{\"a\":}", "01", "1.",
      ".5", "+1", "- 1", "1e", "0x10", "NaN", "Infinity", "tru", "True", "'a'", "\"a", "\"\n\"",
      "\"\\x\"", "\"\\u12\"", "1 2", "[1] x", "//", "{\"a\":1}{",
    ])
  func `anything else is refused`(_ text: String) {
    #expect(throws: JSONError.self) { try read(text) }
  }

  @Test func `a name may not stand twice in an object`() {
    #expect(throws: JSONError.duplicateName) { try read(#"{"a":1,"a":2}"#) }
  }

  @Test(arguments: [#""\ud83d""#, #""\ude00""#, #""\ud83dx""#, #""\ud83d\u0041""#])
  func `half a surrogate pair is no text`(_ text: String) {
    #expect(throws: JSONError.invalidText) { try read(text) }
  }

  @Test func `bytes that are not UTF-8 are no text`() {
    #expect(throws: JSONError.invalidText) { try JSON([0x22, 0xc3, 0x28, 0x22]) }
  }

  @Test func `a number that is too large is refused`() {
    #expect(throws: JSONError.numberTooLarge) { try read("1e999") }
  }

  @Test func `nesting is read up to its limit and refused beyond`() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try read(nested(JSON.mostDepth))
    #expect(throws: JSONError.tooDeep) { try read(nested(JSON.mostDepth + 1)) }
    #expect(throws: JSONError.tooDeep) { try read(String(repeating: "[", count: 60_000)) }
  }

  @Test func `what is written is one line that reads as the same`() throws {
    let json: JSON = [
      "text": "a\"b\\c\n\r\t\u{0}\u{1b}\u{7f}ä€😀/", "list": [1, -2, .number(0.25), .null, true],
      "": .object([]), "empty": [],
    ]
    let line = json.line
    #expect(!line.contains { $0 < 0x20 || $0 == 0x7f })
    #expect(try JSON(line) == json)
  }

  @Test func `a number that JSON cannot write becomes null`() {
    #expect(JSON.number(.infinity).line == Array("null".utf8))
  }
}
