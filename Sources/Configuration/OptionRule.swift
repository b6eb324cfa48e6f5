// What is known of one option: its name, what it may be set to, where it may stand, and what the
// documentation says of it.
import Scripting

/// Where an option may stand, named as users know the places.
package enum OptionContext: String, Sendable, CaseIterable {
  case route, site, listener, upstream, defaults
  // Tables within those: of one server, and options that have options.
  case server, acme
  case healthCheck = "health_check"
  case sticky
  case circuitBreaker = "circuit_breaker"
}

/// Applies the value of an option to the options of its level.
typealias OptionSetter<Options> = @Sendable (inout Options) -> Void

/// One option of the level whose options are an `Options`.
struct OptionRule<Options: Sendable>: Sendable {
  typealias Path<Value> = any (WritableKeyPath<Options, Value> & Sendable)

  /// What an option may be set to, and the property that keeps it. Bounds are inclusive.
  enum Kind: Sendable {
    case duration(Path<Int>, ClosedRange<Int>)
    /// Bytes; with `orZero`, also 0, which then turns the matter off.
    case size(Path<Int>, ClosedRange<Int>, orZero: Bool = false)
    case rate(Path<Int>, ClosedRange<Int>)
    case sizeOrUnlimited(Path<Int?>, ClosedRange<Int>)
    case count(Path<Int>, ClosedRange<Int>)
    /// A number, or a word that stands for none.
    case countOrNone(Path<Int?>, ClosedRange<Int>, word: String)
    case flag(Path<Bool>)
    case special(Special)
  }

  /// An option of a kind of its own.
  struct Special: Sendable {
    let syntax: String
    /// The type in the editor stub.
    let annotation: String
    let show: @Sendable (Options) -> String
    /// - Parameter folder: where files are looked for.
    let parse:
      @Sendable (_ value: LuaValue, _ folder: String) throws(ValueError) -> OptionSetter<
        Options
      >
  }

  let name: String
  let kind: Kind
  let contexts: [OptionContext]
  let summary: String
  /// A value, as Lua.
  let example: String
  var since = "0.1"

  /// Checks a value.
  /// - Parameter folder: where files are looked for.
  /// - Throws: what is wrong with it.
  func setter(
    for value: LuaValue, folder: String = "."
  ) throws(ValueError) -> OptionSetter<Options> {
    switch kind {
    case .duration(let path, let range):
      return set(path, try bounded(Unit.milliseconds.parse(value), range, Unit.milliseconds.format))
    case .size(let path, let range, let orZero):
      let size = try Unit.bytes.parse(value)
      if orZero && size == 0 { return set(path, 0) }
      return set(path, try bounded(size, range, Unit.bytes.format, orZero: orZero))
    case .rate(let path, let range):
      return set(path, try bounded(Unit.bytes.parse(value), range, Unit.bytes.format))
    case .sizeOrUnlimited(let path, let range):
      if case .string("unlimited") = value { return set(path, nil) }
      let size = try Unit.bytes.parse(value)
      guard size != 0 else { throw ValueError("0 is not a limit (write \"unlimited\" for none)") }
      return set(path, try bounded(size, range, Unit.bytes.format))
    case .count(let path, let range):
      return set(path, try bounded(wholeNumber(value), range) { String($0) })
    case .countOrNone(let path, let range, let word):
      if case .string(word) = value { return set(path, nil) }
      return set(path, try bounded(wholeNumber(value), range) { String($0) })
    case .flag(let path):
      guard case .boolean(let flag) = value else { throw .expected("true or false", value) }
      return set(path, flag)
    case .special(let special):
      return try special.parse(value, folder)
    }
  }

  private func set<Value: Sendable>(_ path: Path<Value>, _ value: Value) -> OptionSetter<Options> {
    { $0[keyPath: path] = value }
  }

  private func bounded(
    _ value: Int, _ range: ClosedRange<Int>, _ format: (Int) -> String, orZero: Bool = false
  ) throws(ValueError) -> Int {
    guard range.contains(value) else {
      let bounds = "from \(format(range.lowerBound)) to \(format(range.upperBound))"
      throw ValueError("must be \(orZero ? "0 or " : "")\(bounds), not \(format(value))")
    }
    return value
  }
}

/// A whole number; a string of digits is none, so that a forgotten unit is seen.
func wholeNumber(_ value: LuaValue) throws(ValueError) -> Int {
  guard case .number(let number) = value, let result = Int(exactly: number) else {
    throw .expected("a whole number", value)
  }
  return result
}
