// What the statements of a configuration have declared, as it was written, together with every
// mistake found on the way. Resolved into a Configuration when the whole file has run.
import Routing
import Scripting

/// A mistake and where it stands.
struct Mistake {
  var location: LuaLocation?
  var text: String
}

/// What one run of a configuration's program declares. Confined to that run.
///
/// It is run once to check it and to make the `Configuration`; and, when routes are functions, once
/// more in every state that is to call them (`init(program:keepingFunctions:)`, `run(in:)`, then
/// `functions`).
final class Declarations {
  struct Listener {
    var location: LuaLocation
    var address: ListenAddress
    var options: OptionLayer<ListenerOptions>
    /// Those for tunnels.
    var tunnel = OptionLayer<RouteOptions>()
  }
  struct Server {
    var address: ServerAddress
    var isTLS = false
    var options: OptionLayer<ServerConfiguration>
  }
  struct Upstream {
    var location: LuaLocation
    var name: String
    var servers: [Server]
    var options: OptionLayer<UpstreamOptions>
  }
  struct Route {
    enum Answer {
      case action(ActionValue)
      /// By its number: its index in `functions`.
      case function(Int)
    }
    /// As it is written.
    var text: String
    var pattern: PathPattern
    var answer: Answer
    var options: OptionLayer<RouteOptions>
  }
  struct Site {
    var location: LuaLocation
    var names: [HostName]
    var routes: [Route]
    var options: OptionLayer<RouteOptions>
    /// The upstream or address that TLS connections are passed on to.
    var passthrough: String?
  }
  /// A route that is a function.
  struct Function {
    /// The site and the route as they are written.
    var site: String
    var route: String
    /// Of the site.
    var location: LuaLocation
    /// nil unless functions are kept.
    var reference: LuaReference?
  }

  /// What is to be an upstream's name or an address.
  struct Target {
    var text: String
    var word: StaticString
    var location: LuaLocation
  }

  /// The file, for mistakes that stand on no line of it; empty when there is none.
  let source: String
  /// Where files are looked for that are named without a leading "/".
  let folder: String
  let program: Program?
  /// Whether a reference is made to each function that is met.
  let keepsFunctions: Bool
  var workers: (count: Int, location: LuaLocation)?
  var listeners: [Listener] = []
  var upstreams: [Upstream] = []
  var upstreamIndices: [String: Int] = [:]
  var sites: [Site] = []
  /// The sites that have a name, by their index.
  var siteIndices: [HostName: Int32] = [:]
  /// The functions of routes by their numbers: in the order of sites, and within a site in the order
  /// of the routes' texts.
  var functions: [Function] = []
  var defaults = DefaultsLayer()
  /// What `include` has read.
  var included: [String: [IncludedFile]]
  private(set) var mistakes: [Mistake] = []
  /// Whether the run is over, while its state lives on: nothing can be declared any more.
  private(set) var isOver = false
  /// Whether an error ended a file before all of it was read, so that what is missing may stand
  /// there.
  var isIncomplete = false
  /// Whether `listen`, `upstream` or `site` has been called, be it with mistakes.
  var hasStatements = false
  /// What `proxy`, `passthrough` and `tcp` were given, and where each was first.
  private(set) var targets: [Target] = []
  private var knownTargets: Set<String> = []
  private var statements: [OpenStatement] = []
  private var expressions = RegularExpressionStore()
  private var patterns: [String: PathPattern] = [:]
  /// The last one; its text is shared by all that stand in the same file.
  private var lastSource = ""

  init(source: String) {
    self.source = source
    folder = "."
    program = nil
    included = [:]
    keepsFunctions = false
  }

  init(program: Program, keepingFunctions: Bool) {
    source = program.name
    folder = program.folder
    self.program = program
    included = program.included
    keepsFunctions = keepingFunctions
  }

  /// Notes the name of an upstream, or an address. It is looked at when all upstreams are known.
  /// - Parameter word: what it was given to: `proxy`.
  func noteTarget(_ text: String, of word: StaticString, at location: LuaLocation) {
    if knownTargets.insert("\(word) \(text)").inserted {
      targets.append(Target(text: text, word: word, location: location))
    }
  }

  /// The pattern of a route's text; sites like a thousand others share theirs.
  func pattern(_ text: String) throws(PathPatternError) -> PathPattern {
    if let known = patterns[text] { return known }
    let pattern = try PathPattern(text, sharing: &expressions)
    patterns[text] = pattern
    return pattern
  }

  // MARK: Reading

  /// Where the statement stands that is being called.
  func location(of stack: borrowing LuaStack) -> LuaLocation {
    guard let caller = stack.caller else { return LuaLocation(source: source, line: 0) }
    if caller.source != lastSource { lastSource = caller.source }
    return LuaLocation(source: lastSource, line: caller.line)
  }

  /// An argument of the statement that is being called.
  func value(at index: Int, of stack: borrowing LuaStack) throws(LuaError) -> LuaValue {
    if isOver { throw LuaError("a statement of the configuration cannot be called in a request") }
    return try stack.value(at: index, keepingFunctions: keepsFunctions)
  }

  /// Ends the run, and lets go of everything it has declared: functions that the state keeps hold
  /// on to this object.
  func end() {
    isOver = true
    (upstreams, sites, functions, listeners) = ([], [], [], [])
    (upstreamIndices, siteIndices, included) = ([:], [:], [:])
    (targets, knownTargets, patterns, statements) = ([], [], [:], [])
    expressions = RegularExpressionStore()
  }

  // MARK: Mistakes

  /// Adds a statement whose block may be missing at the end.
  func watch(_ statement: OpenStatement) { statements.append(statement) }

  func complainAboutOpenStatements() {
    for statement in statements {
      guard let (name, location) = statement.opened else { continue }
      complain(
        "\(statement.statement) \"\(name)\": the { ... } after the name is missing", at: location)
    }
  }

  func complain(_ text: String, at location: LuaLocation?) {
    mistakes.append(Mistake(location: location, text: text))
  }
}
