// What the statements of a configuration have declared, as it was written, together with every
// mistake found on the way. Resolved into a Configuration when the whole file has run.
import Routing
import Scripting

/// A mistake and where it stands.
struct Mistake {
  var location: LuaLocation?
  var text: String
}

/// The result of `proxy` and its kin: what may stand in a route.
final class ActionValue {
  enum Kind {
    /// A name of an upstream, or an address.
    case proxy(String)
    /// One that was refused when it was made; nothing more is said of it.
    case refused
  }
  let kind: Kind
  let location: LuaLocation

  init(_ kind: Kind, _ location: LuaLocation) {
    self.kind = kind
    self.location = location
  }
}

/// Confined to the run of one configuration.
final class Declarations {
  struct Listener {
    var location: LuaLocation
    var address: ListenAddress
    var options: OptionLayer<ListenerOptions>
  }
  struct Upstream {
    var location: LuaLocation
    var name: String
    var servers: [ServerConfiguration]
    var options: OptionLayer<UpstreamOptions>
  }
  struct Route {
    var pattern: PathPattern
    var action: ActionValue
    var options: OptionLayer<RouteOptions>
  }
  struct Site {
    var location: LuaLocation
    var names: [HostName]
    var routes: [Route]
    var options: OptionLayer<RouteOptions>
  }

  /// The file, for mistakes that stand on no line of it; empty when there is none.
  let source: String
  var workers: (count: Int, location: LuaLocation)?
  var listeners: [Listener] = []
  var upstreams: [Upstream] = []
  var sites: [Site] = []
  var defaults = DefaultsLayer()
  private(set) var mistakes: [Mistake] = []
  /// Whether `listen`, `upstream` or `site` has been called, be it with mistakes.
  var hasStatements = false

  /// Statements that have their name but not yet their block.
  private var open: [Int: (subject: String, location: LuaLocation)] = [:]
  private var tickets = 0

  init(source: String) { self.source = source }

  /// Notes that a statement waits for its block.
  func open(_ subject: String, at location: LuaLocation) -> Int {
    tickets += 1
    open[tickets] = (subject, location)
    hasStatements = true
    return tickets
  }

  func close(_ ticket: Int) { open[ticket] = nil }

  func complainAboutOpenStatements() {
    for (_, statement) in open.sorted(by: { $0.key < $1.key }) {
      complain(
        "\(statement.subject): the { ... } after the name is missing", at: statement.location)
    }
  }

  func complain(_ text: String, at location: LuaLocation?) {
    mistakes.append(Mistake(location: location, text: text))
  }

  /// The mistakes in the order of the lines they stand on, those of the whole file last.
  var messages: [String] {
    let sources = mistakes.compactMap(\.location?.source)
    func rank(_ mistake: Mistake) -> (Int, Int) {
      guard let location = mistake.location else { return (.max, 0) }
      return (sources.firstIndex(of: location.source) ?? .max, location.line)
    }
    return mistakes.enumerated().sorted { left, right in
      let ranks = (rank(left.element), rank(right.element))
      return ranks.0 == ranks.1 ? left.offset < right.offset : ranks.0 < ranks.1
    }.map { _, mistake in
      let place = mistake.location?.description ?? source
      return place.isEmpty ? mistake.text : "\(place): \(mistake.text)"
    }
  }
}
