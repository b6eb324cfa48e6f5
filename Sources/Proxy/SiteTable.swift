// All sites of a configuration as one worker holds them: flat tables of numbers, because there may
// be 100,000 sites, and a request is to touch few of their cache lines.
//
//     host --HostIndex--> site --PathIndex--> route --> destination
//
// A request to a site that has not been asked for long touches two lines of the HostIndex and one
// here: a site is 32 bytes, which also count its requests and, for a site with one route, lead to the
// destination. Sites with the same patterns, which on a hosting platform are nearly all, share one
// PathIndex; routes that do the same share one destination, and those with the same options one number
// for them. So what else a request touches is mostly what the last one touched, and no object is made
// for a destination before a request asks for it (Plan).
import Bytes
import Configuration
import Routing
import Telemetry

/// Which route a request belongs to. Worker-confined; immutable once made, but for the counts.
package final class SiteTable {
  private struct Site: BitwiseCopyable {
    var counts = SiteCounts()
    var paths: UInt32
    /// Of a site with one route its destination; else where its first route is in `routes`, where the
    /// others follow in their order.
    var route: UInt32
    /// Where its first name is in `hosts`.
    var name: UInt32
    var hasOneRoute: Bool
    /// Whether a route is a regular expression.
    var hasExpressions: Bool

    static let none = Site(paths: 0, route: 0, name: 0, hasOneRoute: false, hasExpressions: false)
  }

  /// What is done by a route; each number counts in a list of its own.
  enum Work: BitwiseCopyable, Hashable {
    case proxy(upstream: UInt32)
    case respond(UInt32)
    case redirect(UInt32)
    case function(UInt32)
  }

  /// What routes do, and how.
  struct Destination: BitwiseCopyable, Hashable {
    var work: Work
    var settings: UInt32
  }

  /// A route, without its pattern: the number of its destination.
  private struct Route: BitwiseCopyable {
    let destination: UInt32
  }

  /// Where the connections of a site go undecrypted.
  struct Passthrough: BitwiseCopyable {
    var upstream: UInt32
    var settings: UInt32
  }

  /// The patterns of one site or of many. Immutable; an object, so that a request counts one
  /// reference and not one for each array of the index.
  final class PathSet: Sendable {
    let index: PathIndex
    let patterns: [PathPattern]
    /// Of each pattern, whether it is a regular expression.
    let areExpressions: [Bool]
    let hasExpressions: Bool

    init(_ patterns: [PathPattern]) throws(DuplicateRoute) {
      self.patterns = patterns
      index = try PathIndex(patterns)
      areExpressions = patterns.map { if case .expression = $0 { true } else { false } }
      hasExpressions = areExpressions.contains(true)
    }
  }

  private var hosts: HostIndex
  private var sites: Table<Site>
  private(set) var pathSets: [PathSet] = []
  private var routes: [Route] = []
  private(set) var destinations: [Destination] = []
  /// The options that routes have, each once.
  private(set) var settings: [Shared<RouteOptions>] = []
  /// The sites that are passed through, by their numbers.
  private(set) var passthroughs: [Int: Passthrough] = [:]
  private(set) var responses: [Shared<FixedResponse>] = []
  private(set) var redirects: [Shared<Redirect>] = []

  package init(_ configurations: [SiteConfiguration]) {
    hosts = HostIndex(expecting: configurations.lazy.flatMap(\.names))
    sites = Table(repeating: .none, count: configurations.count)
    routes.reserveCapacity(
      configurations.reduce(0) { $0 + ($1.routes.count == 1 ? 0 : $1.routes.count) })
    var makers = Makers()
    for (number, configuration) in configurations.enumerated() {
      sites[number] = site(configuration, number, &makers)
    }
  }

  /// What is known already while a table is made.
  private struct Makers {
    var pathSets: [[UInt8]: UInt32] = [:]
    var settings: [ObjectIdentifier: UInt32] = [:]
    /// Answers of rsp's own, of both kinds.
    var answers: [ObjectIdentifier: UInt32] = [:]
    var destinations: [Destination: UInt32] = [:]
  }

  /// What is kept of a site; the tables that sites share get what it adds to them.
  private func site(
    _ configuration: SiteConfiguration, _ number: Int, _ makers: inout Makers
  ) -> Site {
    for name in configuration.names {
      // The configuration has refused a name that two sites have.
      _ = hosts.insert(name, number)
    }
    if let upstream = configuration.passthrough {
      let options = configuration.tunnel ?? Self.usualTunnel
      passthroughs[number] = Passthrough(
        upstream: UInt32(upstream), settings: self.number(of: options, &makers))
    }
    let paths = pathSet(of: configuration.routes, &makers)
    var site = Site(
      paths: paths, route: UInt32(routes.count),
      name: UInt32(configuration.names.first.map { hosts.place(of: $0) } ?? 0),
      hasOneRoute: configuration.routes.count == 1,
      hasExpressions: pathSets[Int(paths)].hasExpressions)
    for route in configuration.routes {
      let destination = self.number(
        of: Destination(
          work: work(route.action, &makers), settings: self.number(of: route.settings, &makers)),
        &makers)
      if site.hasOneRoute {
        site.route = destination
      } else {
        routes.append(Route(destination: destination))
      }
    }
    return site
  }

  private func number(
    of destination: Destination, _ makers: inout Makers
  ) -> UInt32 {
    if let known = makers.destinations[destination] { return known }
    let number = UInt32(destinations.count)
    makers.destinations[destination] = number
    destinations.append(destination)
    return number
  }

  private func pathSet(
    of routes: [RouteConfiguration], _ makers: inout Makers
  ) -> UInt32 {
    // Neighbours mostly have the same patterns.
    if let last = pathSets.last, last.patterns.elementsEqual(routes.lazy.map(\.pattern)) {
      return UInt32(pathSets.count - 1)
    }
    var key: [UInt8] = []
    for route in routes {
      key += route.pattern.description.utf8
      key.append(0)
    }
    if let known = makers.pathSets[key] { return known }
    let patterns = routes.map(\.pattern)
    makers.pathSets[key] = UInt32(pathSets.count)
    do {
      pathSets.append(try PathSet(patterns))
    } catch {
      // The configuration refuses such a site; should one come here all the same, it has no routes.
      Log.error("a site has the route \"\(patterns[error.second])\" twice")
      if let none = try? PathSet([]) { pathSets.append(none) }
    }
    return UInt32(pathSets.count - 1)
  }

  private func number(
    of shared: Shared<RouteOptions>, _ makers: inout Makers
  ) -> UInt32 {
    if let known = makers.settings[ObjectIdentifier(shared)] { return known }
    let number = UInt32(settings.count)
    makers.settings[ObjectIdentifier(shared)] = number
    settings.append(shared)
    return number
  }

  private func work(_ action: Action, _ makers: inout Makers) -> Work {
    switch action {
    case .proxy(let upstream):
      return .proxy(upstream: UInt32(upstream))
    case .respond(let response):
      let known = makers.answers[ObjectIdentifier(response)]
      if known == nil { responses.append(response) }
      let number = known ?? UInt32(responses.count - 1)
      makers.answers[ObjectIdentifier(response)] = number
      return .respond(number)
    case .redirect(let redirect):
      let known = makers.answers[ObjectIdentifier(redirect)]
      if known == nil { redirects.append(redirect) }
      let number = known ?? UInt32(redirects.count - 1)
      makers.answers[ObjectIdentifier(redirect)] = number
      return .redirect(number)
    case .function(let number):
      return .function(UInt32(number))
    }
  }

  /// The options of tunnels of which nothing is said.
  static let usualTunnel = Shared(RouteOptions())

  // MARK: Looking up

  var count: Int { sites.count }

  /// The number of the site for a host as it came, with or without a port.
  package func site(for host: RawSpan) -> Int? { hosts.find(host) }

  /// Whether there is a site, and its TLS ends here: requests for one that is passed through come to
  /// us only by a connection that was made for another.
  func decrypts(_ site: Int?) -> Bool {
    guard let site else { return false }
    return passthroughs.isEmpty || passthroughs[site] == nil
  }

  /// As `site`, and tells by which name.
  func match(host: RawSpan) -> (site: Int, by: HostMatch)? {
    hosts.match(host).map { ($0.value, $0.by) }
  }

  /// The route of a site for a path in its normal form; its number counts in the site.
  package func route(of site: Int, for path: RawSpan, _ matcher: borrowing Matcher) -> PathMatch {
    pathSets[Int(sites[site].paths)].index.match(path, matcher)
  }

  /// The number of what a site's route does.
  package func destination(of route: Int, in site: Int) -> Int {
    let first = Int(sites[site].route)
    return sites[site].hasOneRoute ? first : Int(routes[first + route].destination)
  }

  func paths(of site: Int) -> PathSet { pathSets[Int(sites[site].paths)] }

  /// A route in the words of the configuration.
  func name(of place: RoutePlace) -> RouteName {
    guard place.site >= 0 else { return RouteName(site: "", pattern: "") }
    let site = Int(place.site)
    let pattern = place.route < 0 ? "" : paths(of: site).patterns[Int(place.route)].description
    return RouteName(site: name(of: site), pattern: pattern)
  }

  func isExpression(_ place: RoutePlace) -> Bool {
    let site = Int(place.site)
    return sites[site].hasExpressions && paths(of: site).areExpressions[Int(place.route)]
  }

  /// The first name of a site.
  func name(of site: Int) -> String { hosts.name(at: Int(sites[site].name)) }

  /// The number of the site with this first name.
  func site(named name: String) -> Int? {
    // The name of a wildcard finds itself: of all suffixes that fit it, its own is the longest.
    let found = Array(name.utf8).withBytes { site(for: $0) }
    guard let found, self.name(of: found) == name else { return nil }
    return found
  }

  /// Whether the site of a number, if there is one, has the first name of another table's site.
  func hasName(of other: Int, in table: borrowing SiteTable, at number: Int) -> Bool {
    guard number >= 0, number < count else { return false }
    return hosts.hasName(
      at: Int(sites[number].name), of: table.hosts, at: Int(table.sites[other].name))
  }

  // MARK: Counts

  /// How much a site was asked.
  func counts(of site: Int) -> SiteCounts { sites[site].counts }

  /// A request has met one of its routes.
  package func noteRequest(of site: Int) { sites[site].counts.requests += 1 }

  func change(countsOf site: Int, _ change: (inout SiteCounts) -> Void) {
    change(&sites[site].counts)
  }

  /// Bytes of memory behind the table, what is shared with the configuration apart.
  var byteCount: Int {
    hosts.byteCount + sites.byteCount
      + routes.capacity * MemoryLayout<Route>.stride
      + destinations.capacity * MemoryLayout<Destination>.stride
      + pathSets.capacity * MemoryLayout<PathSet>.stride
      + pathSets.reduce(0) { $0 + $1.index.byteCount }
      + (settings.capacity + responses.capacity + redirects.capacity)
      * MemoryLayout<AnyObject>.stride
  }
}
