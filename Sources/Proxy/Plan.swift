// The configuration as one worker uses it: every worker makes its own, so that counting references
// to routes and pools on the request path is never contended between cores.
//
// A reload makes a new plan beside the old one and puts it in its place. Requests in progress hold
// their route, not the plan, so the old plan's tables are freed at once.
import Configuration
import HTTP
import IO
import Routing

/// The plan that requests are routed by. Not copyable, so that a request looks at it where it lies: to
/// hold it would count a reference.
struct PlanInForce: ~Copyable {
  let plan: Plan

  /// The site for a host, as `SiteTable` has it.
  borrowing func site(for host: RawSpan) -> SiteTable.FoundSite? {
    plan.sites.site(for: host)
  }

  borrowing func decrypts(_ site: SiteTable.FoundSite?) -> Bool {
    plan.sites.decrypts(site)
  }

  borrowing func find(
    _ path: RawSpan, in site: SiteTable.FoundSite, _ matcher: borrowing Matcher
  ) -> Plan.Answer {
    plan.find(path, in: site, matcher)
  }
}

/// Where each request goes. Worker-confined.
final class Plan {
  let tables: PlanTables
  /// Those of the tables. Kept here, too, since each step to it would be counted.
  let sites: SiteTable
  /// In the order of the configuration.
  let upstreams: [UpstreamPlan]
  private lazy var upstreamsByName = Dictionary(
    upstreams.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  /// What was made of the destinations of `sites` that requests have asked for.
  private var made: [Destination?]
  /// The port for https URLs; nil for the usual one.
  private let httpsPort: UInt16?
  /// The routes of sites that are passed through, by the sites' numbers, as far as they were asked for.
  var passages: [Int: RoutePlan] = [:]
  /// The routes of plain services, by their listeners.
  private(set) var services: [ListenAddress: RoutePlan] = [:]

  /// Builds a plan beside the one in force, from which it takes over the upstreams of the same names.
  /// `takeEffect` puts it in force.
  ///
  /// - Parameters:
  ///   - tables: of the same configuration.
  ///   - securities: what upstreams need that are spoken to by TLS, by their names.
  init(
    _ configuration: Configuration, _ tables: PlanTables, _ context: UpstreamContext,
    _ securities: [String: ServerSecurity] = [:], adopting old: Plan? = nil
  ) {
    self.tables = tables
    sites = tables.sites
    upstreams = configuration.upstreams.map {
      UpstreamPlan.make(
        $0, in: context, security: securities[$0.name],
        adopting: old?.upstream(named: $0.name))
    }
    made = Array(repeating: nil, count: sites.destinations.count)
    httpsPort = configuration.httpsPort
    services = makeServices(configuration.listeners)
  }

  var functions: RouteFunctions? { tables.functions }

  /// The upstream of a name; nil when there is none.
  func upstream(named name: String) -> UpstreamPlan? { upstreamsByName[name] }

  /// The plan is in force from now; sites that stay go on counting where the old one's have come to.
  func takeEffect(after old: Plan) {
    for upstream in upstreams { upstream.takeEffect() }
    tables.traffic.adopt(old.tables.traffic)
  }

  /// Where a request goes.
  enum Answer {
    case destination(Destination, RoutePlace)
    case noSite
    case noRoute
    /// The expression of a route met a limit. Boxed, since it is rare and large.
    indirect case gaveUp(site: String, pattern: String)
  }

  /// The route of a request.
  ///
  /// - Parameters:
  ///   - host: as it came, with or without a port; empty when none came.
  ///   - path: in its normal form, without the query. For `OPTIONS *`, which names no path, "/".
  ///   - matcher: holds the groups afterwards if the route is an expression.
  func find(host: RawSpan, path: RawSpan, _ matcher: borrowing Matcher) -> Answer {
    guard let site = sites.site(for: host) else { return .noSite }
    return find(path, in: site, matcher)
  }

  /// The route of a request to a site.
  func find(
    _ path: RawSpan, in site: SiteTable.FoundSite, _ matcher: borrowing Matcher
  ) -> Answer {
    switch sites.route(of: site, for: path, matcher) {
    case .route(let route):
      let place = RoutePlace(
        site: Int32(site.number), route: Int32(route), entry: site.entry,
        isExpression: sites.isExpression(route, in: site))
      return .destination(destination(of: route, in: site), place)
    case .none: return .noRoute
    case .gaveUp(let route):
      let pattern = sites.paths(of: site).patterns[route].description
      return .gaveUp(site: sites.name(of: site.number), pattern: pattern)
    }
  }

  /// What a site's route does; made when it is first asked for.
  func destination(of route: Int, in site: SiteTable.FoundSite) -> Destination {
    let number = sites.destination(of: route, in: site)
    if let destination = made[number] { return destination }
    let destination = make(sites.destinations[number])
    made[number] = destination
    return destination
  }

  private func make(_ destination: SiteTable.Destination) -> Destination {
    let settings = tables.settings[Int(destination.settings)]
    let made = make(destination.work, settings)
    guard settings.options.redirectsToHTTPS else { return made }
    return .secured(SecuredRoute(made, settings, tables, port: httpsPort))
  }

  private func make(_ work: SiteTable.Work, _ settings: RouteSettings) -> Destination {
    switch work {
    case .proxy(let upstream):
      return .proxy(RoutePlan(settings, tables, upstreams[Int(upstream)]))
    case .respond(let number):
      let response = OwnResponse(sites.responses[Int(number)].value)
      return .respond(AnswerRoute(settings, tables, response))
    case .redirect(let number):
      let response = OwnResponse(sites.redirects[Int(number)].value)
      return .respond(AnswerRoute(settings, tables, response))
    case .function(let number):
      return .function(FunctionRoute(settings, tables, number: Int(number)))
    }
  }

  /// The route of this plan that is the same as one of an older plan: by the names of site and
  /// upstream, the pattern, and the value of every option. Nil when there is none, so that a tunnel
  /// of the old route has to end. A tunnel that goes on should take the new one in its place.
  func counterpart(of old: RoutePlan, named name: RouteName) -> RoutePlan? {
    if old.carries != .requests { return passageCounterpart(of: old, named: name) }
    guard let site = sites.site(named: name.site) else { return nil }
    let patterns = sites.paths(of: site).patterns
    guard let route = patterns.firstIndex(where: { $0.description == name.pattern })
    else { return nil }
    var destination = destination(of: route, in: site)
    if case .secured(let route) = destination { destination = route.inner }
    switch destination {
    case .proxy(let new):
      let isSame =
        new.upstream.name == old.upstream.name && !old.isOfFunction
        && new.settings.isSame(as: old.settings)
      return isSame ? new : nil
    case .function(let new):
      // The function chose once, for the request that opened the tunnel; it is not asked again.
      guard old.isOfFunction, new.settings.isSame(as: old.settings),
        let upstream = upstreams.firstIndex(where: { $0.name == old.upstream.name })
      else { return nil }
      return new.plan(for: upstream, in: self)
    case .respond, .secured:
      return nil
    }
  }

  /// What the sites were asked so far, by their first names; those that were not are left out.
  var siteCounts: [String: SiteCounts] {
    var named: [String: SiteCounts] = [:]
    for (site, counts) in tables.traffic.asked { named[sites.name(of: site)] = counts }
    return named
  }

  /// Bytes of memory behind the plan's tables, routes in use and upstreams apart.
  var byteCount: Int {
    sites.byteCount + made.capacity * MemoryLayout<Destination?>.stride
  }
}
