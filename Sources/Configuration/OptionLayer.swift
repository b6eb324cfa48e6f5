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
    "access", "balancer", "body_filter", "cache", "content", "header_filter", "log", "rewrite",
  ]

  /// Checks one setting and adds it to the layer.
  /// - Parameter folder: where files are looked for.
  /// - Returns: whether `rules` knows the name in this context.
  /// - Throws: what is wrong with the value.
  static func set<Options>(
    _ name: String, to value: LuaValue, in layer: inout OptionLayer<Options>,
    by rules: [OptionRule<Options>], _ context: OptionContext, folder: String
  ) throws(ValueError) -> Bool {
    guard let rule = rules.first(where: { $0.name == name && $0.contexts.contains(context) })
    else { return false }
    layer.add(try rule.setter(for: value, folder: folder))
    return true
  }

  /// What to say of a name that does not belong where it stands.
  static func complaint(about name: String, in context: OptionContext) -> String {
    let places = all.filter { $0.name == name }.flatMap(\.contexts).map(\.rawValue)
    if !places.isEmpty {
      let list = places.joined(separator: ", ")
      return "option \"\(name)\" cannot stand here (it belongs in: \(list))"
    }
    if planned.contains(name) {
      return "option \"\(name)\" is not supported in this version"
    }
    let names = all.filter { $0.contexts.contains(context) }.map(\.name)
    return "unknown option \"\(name)\"" + suggestion(for: name, among: names + planned.sorted())
  }
}
