// Durations and sizes as a user writes them, and back: `"250ms"` and `"16k"`, or bare numbers of
// seconds and bytes.
import Scripting

/// Why a value is refused; completes `OPTION: ...`.
struct ValueError: Error {
  /// At least one: a table may have several mistakes.
  let messages: [String]

  init(_ message: String) { messages = [message] }

  init(messages: [String]) { self.messages = messages }

  var message: String { messages.joined(separator: "; ") }

  static func expected(_ what: String, _ value: LuaValue) -> ValueError {
    ValueError("expected \(what), got \(value.shown)")
  }
}

extension LuaValue {
  /// The value as a message shows it: itself when it is short, otherwise its type.
  var shown: String {
    switch self {
    case .string(let text): "\"\(text)\""
    case .number(let number): Int(exactly: number).map { String($0) } ?? "\(number)"
    case .object(let object) where object is ActionValue: "an action"
    default: typeDescription
    }
  }
}

enum Unit {
  case milliseconds
  case bytes

  private var scale: [(suffix: String, factor: Int)] {
    switch self {
    case .milliseconds:
      [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
    case .bytes: [("k", 1024), ("m", 1 << 20), ("g", 1 << 30)]
    }
  }

  /// What a number without a suffix is multiplied by.
  private var bareFactor: Int { self == .milliseconds ? 1000 : 1 }

  var expectation: String {
    switch self {
    case .milliseconds: "a duration such as \"250ms\", \"3s\", \"5m\" or \"1h\", or seconds"
    case .bytes: "a size such as \"16k\", \"1m\" or \"1g\", or bytes"
    }
  }

  /// Reads a number with or without a suffix, in milliseconds or bytes.
  func parse(_ value: LuaValue) throws(ValueError) -> Int {
    switch value {
    case .number(let number):
      let scaled = (number * Double(bareFactor)).rounded()
      // Nothing that is configured comes near 2^53, where Double stops counting.
      guard scaled.isFinite, abs(scaled) < 9e15 else { throw .expected(expectation, value) }
      guard self == .milliseconds || number == scaled else { throw .expected(expectation, value) }
      return Int(scaled)
    case .string(let text):
      guard let result = parse(text.lowercased()) else { throw .expected(expectation, value) }
      return result
    default: throw .expected(expectation, value)
    }
  }

  private func parse(_ text: String) -> Int? {
    let digits = text.utf8.prefix { (48...57).contains($0) }.count
    guard digits > 0, let number = Int(text.prefix(digits)) else { return nil }
    let suffix = text.dropFirst(digits)
    let factor = suffix.isEmpty ? bareFactor : scale.first { $0.suffix == suffix }?.factor
    guard let factor else { return nil }
    let (result, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : result
  }

  /// The value with the largest suffix that leaves a whole number, but `60s` rather than `1m`,
  /// and hours rather than days.
  func format(_ value: Int) -> String {
    for (suffix, factor) in scale.reversed()
    where suffix != "d" && value != 0 && value % factor == 0 {
      if self == .milliseconds && suffix == "m" && value == factor { continue }
      return "\(value / factor)\(suffix)"
    }
    return self == .milliseconds && value == 0 ? "0s" : "\(value)"
  }
}
