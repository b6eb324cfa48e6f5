// An option as the documentation and the editor stub show it, whatever level it belongs to.

/// The documented side of an option.
package struct OptionReference: Sendable {
  package var name: String
  /// What may be written: `duration, 1ms to 24h`.
  package var syntax: String
  /// The LuaLS type: `string|number`.
  package var annotation: String
  package var builtIn: String
  package var contexts: [OptionContext]
  package var unit: String
  package var since: String
  package var summary: String
  package var example: String
}

extension OptionRule {
  /// - Parameter builtIn: the options as they are when nothing is configured.
  func reference(builtIn: Options) -> OptionReference {
    let (syntax, annotation, unit, value) = description(of: builtIn)
    return OptionReference(
      name: name, syntax: syntax, annotation: annotation, builtIn: value, contexts: contexts,
      unit: unit, since: since, summary: summary, example: example)
  }

  private func description(
    of options: Options
  ) -> (syntax: String, annotation: String, unit: String, builtIn: String) {
    func bounds(_ range: ClosedRange<Int>, _ format: (Int) -> String) -> String {
      "\(format(range.lowerBound)) to \(format(range.upperBound))"
    }
    func quoted(_ value: Int, _ unit: Unit) -> String {
      let text = unit.format(value)
      return Int(text) == nil ? "\"\(text)\"" : text
    }
    let plain = { (value: Int) in String(value) }
    switch kind {
    case .duration(let path, let range):
      return (
        "duration, \(bounds(range, Unit.milliseconds.format))", "string|number", "time",
        quoted(options[keyPath: path], .milliseconds)
      )
    case .size(let path, let range, let orZero):
      return (
        "size, \(orZero ? "0 or " : "")\(bounds(range, Unit.bytes.format))", "string|number",
        "bytes", quoted(options[keyPath: path], .bytes)
      )
    case .rate(let path, let range):
      return (
        "size, \(bounds(range, Unit.bytes.format))", "string|number", "bytes per second",
        quoted(options[keyPath: path], .bytes)
      )
    case .sizeOrUnlimited(let path, let range):
      let value = options[keyPath: path].map { quoted($0, .bytes) }
      return (
        "size, \(bounds(range, Unit.bytes.format)), or \"unlimited\"", "string|number", "bytes",
        value ?? "\"unlimited\""
      )
    case .count(let path, let range):
      return (
        "number, \(bounds(range, plain))", "integer", "count", String(options[keyPath: path])
      )
    case .countOrNone(let path, let range, let word):
      return (
        "number, \(bounds(range, plain)), or \"\(word)\"", "integer|string", "count",
        options[keyPath: path].map { String($0) } ?? "\"\(word)\""
      )
    case .flag(let path):
      return ("true or false", "boolean", "-", String(options[keyPath: path]))
    case .special(let special):
      return (special.syntax, special.annotation, "-", special.show(options))
    }
  }
}
