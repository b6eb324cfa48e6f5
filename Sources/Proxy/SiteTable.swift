// All sites of a configuration as one worker holds them: flat tables of numbers, because there may
// be 100,000 sites, and a request is to touch few of their cache lines.
//
//     host --HostIndex--> site --PathIndex--> route --> destination
//
// What a request needs to know of its site stands beside the name in the HostIndex, so that it waits for
// memory once (decision 0018), and its requests are counted there. Sites with the
// same patterns, which on a hosting platform are nearly all, share one PathIndex; routes that do the same
// share one destination, and those with the same options one number for them. So what else a request
// touches is mostly what the last one touched, and no object is made for a destination before a request
// asks for it (Plan).
import Bytes
import Configuration
import Routing
import Telemetry

/// Which route a request belongs to. Worker-confined; immutable once made, but for the counts.
package final class SiteTable {
  /// A site as it is found by a name.
  package struct FoundSite: BitwiseCopyable {
    package let number: Int
    /// Where its name is in `hosts`; below zero for `*`.
    package let entry: Int32
    fileprivate let note: UInt64

    fileprivate init(number: Int, entry: Int32, note: UInt64) {
      self.number = number
      self.entry = entry
      self.note = note
    }

    fileprivate init(_ match: HostIndex.Match) {
      self.init(
        number: match.value, entry: match.place.map { Int32($0) } ?? -1, note: match.note)
    }

    /// - Parameter route: of a site with one route its destination; else where its first route is in
    ///   `routes`, where the others follow in their order.
    fileprivate static func note(
      paths: UInt32, hasExpressions: Bool, route: UInt32, isOnly: Bool
    ) -> UInt64 {
      UInt64(route) << 32 | UInt64(paths) << 2 | (hasExpressions ? 2 : 0) | (isOnly ? 1 : 0)
    }

    fileprivate var route: Int { Int(note >> 32) }
    fileprivate var paths: Int { Int(note >> 2 & 0x3fff_ffff) }
    /// Whether a route is a regular expression.
    fileprivate var hasExpressions: Bool { note & 2 != 0 }
    fileprivate var hasOneRoute: Bool { note & 1 != 0 }
  }

  private struct Site: BitwiseCopyable {
    /// What is not counted with its names: failures, and what an older table has counted.
    var counts = SiteCounts()
    /// As its names have it.
    var note: UInt64
    /// Where its first name is in `hosts`; below zero for `*`.
    var name: Int32
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
  private var sites: [Site]
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
    hosts = HostIndex(expecting: configurations.reduce(0) { $0 + $1.names.count })
    sites = Array(repeating: Site(note: 0, name: -1), count: configurations.count)
    routes.reserveCapacity(
      configurations.reduce(0) { $0 + ($1.routes.count == 1 ? 0 : $1.routes.count) })
    var makers = Makers()
    for (number, configuration) in configurations.enumerated() {
      sites[number].note = note(of: configuration, number, &makers)
      for name in configuration.names {
        // The configuration has refused a name that two sites have.
        _ = hosts.insert(name, number, note: sites[number].note)
      }
    }
    // Now that all are in their places.
    for (number, configuration) in configurations.enumerated() {
      let place = configuration.names.first.flatMap { hosts.place(of: $0) }
      sites[number].name = place.map { Int32($0) } ?? -1
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

  /// What is kept with the names of a site; the tables that sites share get what it adds to them.
  private func note(
    of configuration: SiteConfiguration, _ number: Int, _ makers: inout Makers
  ) -> UInt64 {
    if let upstream = configuration.passthrough {
      let options = configuration.tunnel ?? Self.usualTunnel
      passthroughs[number] = Passthrough(
        upstream: UInt32(upstream), settings: self.number(of: options, &makers))
    }
    let paths = pathSet(of: configuration.routes, &makers)
    let first = routes.count
    for route in configuration.routes {
      let destination = self.number(
        of: Destination(
          work: work(route.action, &makers), settings: self.number(of: route.settings, &makers)),
        &makers)
      routes.append(Route(destination: destination))
    }
    let isOnly = configuration.routes.count == 1
    return FoundSite.note(
      paths: paths, hasExpressions: pathSets[Int(paths)].hasExpressions,
      route: isOnly ? routes.removeLast().destination : UInt32(first), isOnly: isOnly)
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

  /// The site for a host as it came, with or without a port.
  // Not part of its callers, like `route`, so that it is they who hold the table.
  @inline(never)
  package func site(for host: RawSpan) -> FoundSite? {
    guard let found = hosts.match(host) else { return nil }
    return FoundSite(found)
  }

  /// Whether there is a site, and its TLS ends here: requests for one that is passed through come to
  /// us only by a connection that was made for another.
  func decrypts(_ site: FoundSite?) -> Bool {
    guard let site else { return false }
    return passthroughs.isEmpty || passthroughs[site.number] == nil
  }

  /// As `site`, and tells by which name.
  func match(host: RawSpan) -> (site: FoundSite, by: HostMatch)? {
    hosts.match(host).map { (FoundSite($0), $0.by) }
  }

  /// The route of a site for a path in its normal form; its number counts in the site.
  @inline(never)
  package func route(
    of site: FoundSite, for path: RawSpan, _ matcher: borrowing Matcher
  ) -> PathMatch {
    pathSets[site.paths].index.match(path, matcher)
  }

  /// The number of what a site's route does.
  package func destination(of route: Int, in site: FoundSite) -> Int {
    site.hasOneRoute ? site.route : Int(routes[site.route + route].destination)
  }

  func paths(of site: FoundSite) -> PathSet { pathSets[site.paths] }

  func isExpression(_ route: Int, in site: FoundSite) -> Bool {
    site.hasExpressions && pathSets[site.paths].areExpressions[route]
  }

  /// The site of a number.
  private func found(_ number: Int) -> FoundSite {
    FoundSite(number: number, entry: -1, note: sites[number].note)
  }

  /// A route in the words of the configuration.
  func name(of place: RoutePlace) -> RouteName {
    guard place.site >= 0 else { return RouteName(site: "", pattern: "") }
    let site = Int(place.site)
    let pattern =
      place.route < 0 ? "" : paths(of: found(site)).patterns[Int(place.route)].description
    return RouteName(site: name(of: site), pattern: pattern)
  }

  /// The first name of a site.
  func name(of site: Int) -> String {
    let place = sites[site].name
    return place < 0 ? HostName.any.description : hosts.name(at: Int(place))
  }

  /// The site with this first name.
  func site(named name: String) -> FoundSite? {
    // The name of a wildcard finds itself: of all suffixes that fit it, its own is the longest.
    let found = Array(name.utf8).withBytes { site(for: $0) }
    guard let found, self.name(of: found.number) == name else { return nil }
    return found
  }

  /// Whether the site of a number, if there is one, has the first name of another table's site.
  func hasName(of other: Int, in table: borrowing SiteTable, at number: Int) -> Bool {
    guard number >= 0, number < count else { return false }
    let (mine, others) = (sites[number].name, table.sites[other].name)
    guard mine >= 0, others >= 0 else { return mine == others }
    return hosts.hasName(at: Int(mine), of: table.hosts, at: Int(others))
  }

  // MARK: Counts

  /// How much each site was asked.
  var counts: [SiteCounts] {
    var counts = (0..<sites.count).map { sites[$0].counts }
    hosts.forEachUse { site, uses in counts[site].requests += uses }
    return counts
  }

  /// A request has met a route of a site. Where the name is known by which it was found, that is in the
  /// cache.
  package func noteRequest(of site: Int, at entry: Int32) {
    if entry >= 0 { return hosts.noteUse(at: Int(entry)) }
    sites[site].counts.requests += 1
  }

  func change(countsOf site: Int, _ change: (inout SiteCounts) -> Void) {
    change(&sites[site].counts)
  }

  /// Bytes of memory behind the table, what is shared with the configuration apart.
  var byteCount: Int {
    hosts.byteCount + sites.capacity * MemoryLayout<Site>.stride
      + routes.capacity * MemoryLayout<Route>.stride
      + destinations.capacity * MemoryLayout<Destination>.stride
      + pathSets.capacity * MemoryLayout<PathSet>.stride
      + pathSets.reduce(0) { $0 + $1.index.byteCount }
      + (settings.capacity + responses.capacity + redirects.capacity)
      * MemoryLayout<AnyObject>.stride
  }
}
