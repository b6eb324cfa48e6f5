// Routes as requests meet them: made of a row of the table when the first request asks for it, kept
// by the plan, and by requests in progress beyond the plan's life.
import Configuration
import HTTP
import Routing

/// What is done with the requests of a route.
enum Destination {
  case proxy(RoutePlan)
  case respond(AnswerRoute)
  case function(FunctionRoute)
  /// One of these, for requests by TLS.
  case secured(SecuredRoute)
}

/// Which route of which site a request belongs to: numbers of the plan's table.
struct RoutePlace: BitwiseCopyable {
  /// Below zero for what belongs to no site.
  var site: Int32 = -1
  /// Below zero where nothing is asked for by a path.
  var route: Int32 = -1
  /// Where the table has the name by which the site was found; below zero where that is not known.
  var entry: Int32 = -1
  /// The route is a regular expression.
  var isExpression = false
}

/// A route in the words of the configuration.
struct RouteName: Equatable {
  /// The first name of its site.
  let site: String
  /// Its key, as `PathPattern.description` writes it; empty where there is none.
  let pattern: String
}

/// What is done with the requests of a route, or of many that do the same with the same options.
class MatchedRoute {
  final let settings: RouteSettings
  /// The tables that the route is of: a request may go on when another plan is in force.
  final let tables: PlanTables

  init(_ settings: RouteSettings, _ tables: PlanTables) {
    self.settings = settings
    self.tables = tables
  }

  final var options: RouteOptions { settings.options }
  final var maxBody: UInt64 { settings.maxBody }
}

/// A route whose requests are sent to the servers of an upstream.
final class RoutePlan: MatchedRoute {
  /// What goes along it.
  enum Load: Equatable {
    case requests
    /// TLS connections for a site, undecrypted.
    case site
    /// The connections of a listener, whatever they speak.
    case service(ListenAddress)
  }

  let upstream: UpstreamPlan
  /// How many bytes a request's head can gain by what is added, its host and variables aside.
  let addedBytes: Int
  /// Whether a function chose the upstream.
  let isOfFunction: Bool
  let carries: Load

  init(
    _ settings: RouteSettings, _ tables: PlanTables, _ upstream: UpstreamPlan,
    isOfFunction: Bool = false, carries: Load = .requests
  ) {
    self.carries = carries
    self.upstream = upstream
    self.isOfFunction = isOfFunction
    addedBytes = settings.addedBytes + upstream.authority.utf8.count
    super.init(settings, tables)
  }
}

/// A route whose requests are answered by rsp itself.
final class AnswerRoute: MatchedRoute {
  let response: OwnResponse

  init(
    _ settings: RouteSettings, _ tables: PlanTables, _ response: OwnResponse
  ) {
    self.response = response
    super.init(settings, tables)
  }
}

/// A route whose requests are decided by a function.
final class FunctionRoute: MatchedRoute {
  let number: Int
  /// The routes to the upstreams that it has chosen so far.
  private var plans: [Int: RoutePlan] = [:]
  /// The answers that it has given last, with what they were made of. An answer that was made when
  /// the configuration was loaded comes again and again; one that is made for a request does not.
  private var answers: [(source: AnyObject, route: AnswerRoute)] = []
  private static let keptAnswers = 8

  init(_ settings: RouteSettings, _ tables: PlanTables, number: Int) {
    self.number = number
    super.init(settings, tables)
  }

  /// The route to an upstream, by its number in the plan.
  func plan(for upstream: Int, in plan: Plan) -> RoutePlan {
    if let known = plans[upstream] { return known }
    let made = RoutePlan(
      settings, tables, plan.upstreams[upstream], isOfFunction: true)
    plans[upstream] = made
    return made
  }

  /// The route to an answer of rsp's own.
  func answer<Source>(
    _ source: Shared<Source>, _ make: (Source) -> OwnResponse
  ) -> AnswerRoute {
    if let known = answers.first(where: { $0.source === source }) { return known.route }
    let made = AnswerRoute(settings, tables, make(source.value))
    if answers.count == Self.keptAnswers { answers.removeFirst() }
    answers.append((source, made))
    return made
  }
}
