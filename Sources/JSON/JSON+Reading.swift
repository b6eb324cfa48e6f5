// Reading JSON, strictly: RFC 8259 and nothing beside it, in bounded depth. The size is bounded by
// whoever collects the bytes.

/// What is wrong with a text that should be JSON.
package enum JSONError: Error, Equatable, CustomStringConvertible {
  /// Another byte was expected at this offset; also when the text ends too early.
  case unexpected(at: Int)
  case tooDeep
  /// A name stands twice in an object; readers differ in which one they take.
  case duplicateName
  /// A string is not UTF-8, or holds half of a surrogate pair.
  case invalidText
  /// A number is too large for any number we have.
  case numberTooLarge

  package var description: String {
    switch self {
    case .unexpected(let offset): "malformed at byte \(offset)"
    case .tooDeep: "nested too deeply"
    case .duplicateName: "a name twice in one object"
    case .invalidText: "a string that is no text"
    case .numberTooLarge: "a number that is too large"
    }
  }
}

extension JSON {
  /// Arrays and objects within each other.
  package static let mostDepth = 32

  /// Reads one value, with nothing around it but blanks.
  package init(_ bytes: [UInt8]) throws(JSONError) {
    var reader = JSONReader(bytes)
    self = try reader.value(depth: 0)
    reader.skipBlanks()
    guard reader.isAtEnd else { throw .unexpected(at: reader.position) }
  }
}

private struct JSONReader {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func skipBlanks() {
    while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { position += 1 }
  }

  private mutating func take(_ byte: Character) -> Bool {
    guard next == byte.asciiValue else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ byte: Character) throws(JSONError) {
    guard take(byte) else { throw .unexpected(at: position) }
  }

  mutating func value(depth: Int) throws(JSONError) -> JSON {
    skipBlanks()
    switch next.map({ Character(UnicodeScalar($0)) }) {
    case "{": return try object(depth: depth + 1)
    case "[": return try array(depth: depth + 1)
    case "\"": return .string(try string())
    case "t": return try word("true", .bool(true))
    case "f": return try word("false", .bool(false))
    case "n": return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ word: String, _ value: JSON) throws(JSONError) -> JSON {
    for byte in word { try expect(byte) }
    return value
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSON {
    if depth > JSON.mostDepth { throw .tooDeep }
    try expect("[")
    var elements: [JSON] = []
    skipBlanks()
    if take("]") { return .array(elements) }
    repeat {
      elements.append(try value(depth: depth))
      skipBlanks()
    } while take(",")
    try expect("]")
    return .array(elements)
  }

  private mutating func object(depth: Int) throws(JSONError) -> JSON {
    if depth > JSON.mostDepth { throw .tooDeep }
    try expect("{")
    var fields: [JSON.Field] = []
    var names: Set<String> = []
    skipBlanks()
    if take("}") { return .object(fields) }
    repeat {
      skipBlanks()
      let name = try string()
      guard names.insert(name).inserted else { throw .duplicateName }
      skipBlanks()
      try expect(":")
      fields.append(JSON.Field(name, try value(depth: depth)))
      skipBlanks()
    } while take(",")
    try expect("}")
    return .object(fields)
  }

  // MARK: Strings

  private mutating func string() throws(JSONError) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let string = String(validating: text, as: UTF8.self) else { throw .invalidText }
        return string
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &text)
      case 0..<0x20:
        throw .unexpected(at: position)
      default:
        position += 1
        text.append(byte)
      }
    }
    throw .unexpected(at: position)
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    guard let byte = next else { throw .unexpected(at: position) }
    position += 1
    switch Character(UnicodeScalar(byte)) {
    case "\"", "\\", "/": text.append(byte)
    case "b": text.append(0x08)
    case "f": text.append(0x0c)
    case "n": text.append(0x0a)
    case "r": text.append(0x0d)
    case "t": text.append(0x09)
    case "u": text += String(Character(try scalar())).utf8
    default: throw .unexpected(at: position - 1)
    }
  }

  /// The character after `\u`; two of these make one beyond the basic plane (RFC 8259 7).
  private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xd800..<0xdc00).contains(first), take("\\"), take("u") else { throw .invalidText }
    let second = try fourDigits()
    guard (0xdc00..<0xe000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { throw .invalidText }
    return scalar
  }

  private mutating func fourDigits() throws(JSONError) -> UInt32 {
    var number: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = next.flatMap({ Character(UnicodeScalar($0)).hexDigitValue }) else {
        throw .unexpected(at: position)
      }
      number = number << 4 | UInt32(digit)
      position += 1
    }
    return number
  }

  // MARK: Numbers

  private mutating func number() throws(JSONError) -> JSON {
    let start = position
    _ = take("-")
    if !take("0") { try digits() }
    var isWhole = true
    if take(".") {
      isWhole = false
      try digits()
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let integer = Int(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else { throw .numberTooLarge }
    return .number(number)
  }

  private mutating func digits() throws(JSONError) {
    let start = position
    while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
    if position == start { throw .unexpected(at: position) }
  }
}
