// Options that have options: `health_check = { path = "/health", interval = "2s" }`. What stands in
// the braces follows the same rules as any option, and is documented from the same table.
import Scripting

extension OptionRule.Special {
  /// An option that is a table of others, `true` for all of their defaults, or `false` for none.
  /// - Parameters:
  ///   - initial: what `true` and `{}` mean.
  ///   - get: what is set; nil for none.
  ///   - check: throws what cannot stand together.
  static func part<Part: Equatable>(
    _ context: OptionContext, _ rules: @escaping @Sendable () -> [OptionRule<Part>], initial: Part,
    get: @escaping @Sendable (Options) -> Part?,
    set: @escaping @Sendable (inout Options, Part?) -> Void,
    check: @escaping @Sendable (LuaTable, Part) throws(ValueError) -> Void = {
      _, _ throws(ValueError) in
    }
  ) -> Self {
    Self(
      syntax: "true, false or { options }", annotation: "boolean|\(context.className)",
      show: { get($0) == nil ? "false" : "true" },
      parse: { value, folder throws(ValueError) in
        switch value {
        case .boolean(let isOn): return { set(&$0, isOn ? initial : nil) }
        case .table(let table):
          var part = initial
          try OptionSchema.setAll(of: table, in: context, by: rules(), folder: folder, to: &part)
          try check(table, part)
          return { [part] in set(&$0, part) }
        default: throw .expected("true, false or { options }", value)
        }
      })
  }
}

extension OptionContext {
  /// The class of its options in the editor stub.
  var className: String {
    "rsp."
      + rawValue.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }
}

extension OptionSchema {
  /// Sets what the fields of a table say.
  /// - Throws: every mistake in it.
  static func setAll<Options>(
    of table: LuaTable, in context: OptionContext, by rules: [OptionRule<Options>],
    folder: String, to options: inout Options
  ) throws(ValueError) {
    var messages = table.otherKeys.map { "unexpected key \($0)" }
    if let element = table.elements.first {
      messages.append("\(element.shown) stands without a name before it")
    }
    for (name, value) in table.fields {
      guard let rule = rules.first(where: { $0.name == name }) else {
        messages.append(complaint(about: name, in: context))
        continue
      }
      do throws(ValueError) {
        try rule.setter(for: value, folder: folder)(&options)
      } catch {
        messages += error.messages.map { "\(name): \($0)" }
      }
    }
    if !messages.isEmpty { throw ValueError(messages: messages) }
  }
}
