// Strict-Transport-Security as a configuration asks for it: one word, a time, or the whole policy.
import Scripting

extension OptionRule<RouteOptions>.Special {
  /// What `hsts = true` says: a year, which is also what browsers' preload lists ask for.
  static var usualMaxAge: Int { 31_536_000 }
  /// Seconds: ten years.
  static var longestMaxAge: Int { 315_360_000 }

  static var hsts: Self {
    Self(
      syntax: "true, false, a duration, or "
        + "{ max_age = ..., include_subdomains = ..., preload = ... }",
      annotation: "boolean|string|number|rsp.Hsts", show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        let field: String?
        switch value {
        case .boolean(let isOn): field = isOn ? "max-age=\(usualMaxAge)" : nil
        case .table(let table): field = try policy(table)
        case .string, .number: field = "max-age=\(try maxAge(value))"
        default: throw .expected("true, false, a duration such as \"180d\", or { options }", value)
        }
        return { $0.strictTransportSecurity = field }
      })
  }

  private static func maxAge(_ value: LuaValue) throws(ValueError) -> Int {
    let seconds = try Unit.milliseconds.parse(value) / 1000
    // RFC 6797 6.1.1: 0 tells browsers to forget.
    guard (0...longestMaxAge).contains(seconds) else {
      throw ValueError("must be from 0s to \(longestMaxAge / 86_400)d")
    }
    return seconds
  }

  private static func policy(_ table: LuaTable) throws(ValueError) -> String {
    let names = ["include_subdomains", "max_age", "preload"]
    var messages = table.otherKeys.map { "unexpected key \($0)" }
    messages += table.elements.map { "\($0.shown) stands without a name before it" }
    var age = usualMaxAge
    var flags: Set<String> = []
    for (name, value) in table.fields {
      do throws(ValueError) {
        switch (name, value) {
        case ("max_age", _): age = try maxAge(value)
        case ("include_subdomains", .boolean(let isOn)), ("preload", .boolean(let isOn)):
          if isOn { flags.insert(name) }
        case ("include_subdomains", _), ("preload", _): throw .expected("true or false", value)
        default:
          messages.append("unknown option \"\(name)\"" + suggestion(for: name, among: names))
        }
      } catch {
        messages += error.messages.map { "\(name): \($0)" }
      }
    }
    // The lists that browsers are built with refuse anything less (hstspreload.org).
    if flags.contains("preload"), age < usualMaxAge || !flags.contains("include_subdomains") {
      messages.append("preload needs include_subdomains = true and a max_age of 365d or more")
    }
    if !messages.isEmpty { throw ValueError(messages: messages) }
    return "max-age=\(age)" + (flags.contains("include_subdomains") ? "; includeSubDomains" : "")
      + (flags.contains("preload") ? "; preload" : "")
  }
}
