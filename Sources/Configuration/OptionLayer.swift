// The cascade: each place where options stand becomes a layer of checked settings, and layers are
// applied one over the other, the built-in defaults at the bottom.
import Scripting

/// The options that one place sets, checked.
struct OptionLayer<Options: Sendable> {
  private var setters: [OptionSetter<Options>] = []

  init() {}

  var isEmpty: Bool { setters.isEmpty }

  mutating func add(_ setter: @escaping OptionSetter<Options>) { setters.append(setter) }

  func apply(to options: inout Options) {
    for setter in setters { setter(&options) }
  }

  func applied(to options: Options) -> Options {
    var options = options
    apply(to: &options)
    return options
  }
}

/// What `defaults` sets, for all levels.
struct DefaultsLayer {
  var route = OptionLayer<RouteOptions>()
  var listener = OptionLayer<ListenerOptions>()
  var upstream = OptionLayer<UpstreamOptions>()
  var process = OptionLayer<ProcessOptions>()
}

extension OptionSchema {
  /// Words of the configuration language that this version knows but does not do yet.
  static let planned: Set<String> = [
    "access", "backup", "balance", "balancer", "body_filter", "cache", "certificates", "content",
    "header_filter", "health_check", "log", "proxy_protocol", "rewrite", "sticky", "weight",
  ]

  /// Checks one setting and adds it to the layer.
  /// - Returns: whether `rules` knows the name.
  /// - Throws: what is wrong with the value.
  static func set<Options>(
    _ name: String, to value: LuaValue, in layer: inout OptionLayer<Options>,
    by rules: [OptionRule<Options>]
  ) throws(ValueError) -> Bool {
    guard let rule = rules.first(where: { $0.name == name }) else { return false }
    layer.add(try rule.setter(for: value))
    return true
  }

  /// What to say of a name that does not belong where it stands.
  static func complaint(about name: String, in context: OptionContext) -> String {
    if let option = all.first(where: { $0.name == name }) {
      let places = option.contexts.map(\.rawValue).joined(separator: ", ")
      return "option \"\(name)\" cannot stand here (it belongs in: \(places))"
    }
    if planned.contains(name) {
      return "option \"\(name)\" is not supported in this version"
    }
    let names = all.filter { $0.contexts.contains(context) }.map(\.name)
    return "unknown option \"\(name)\"" + suggestion(for: name, among: names + planned.sorted())
  }
}
