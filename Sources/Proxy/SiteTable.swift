// All sites of a configuration as one worker holds them: flat arrays of numbers, because there may
// be 100,000 sites, and a request is to touch few of their cache lines.
//
//     host --HostIndex--> site --PathIndex--> row
//
// A site is 16 bytes and a route 12. Sites with the same patterns, which on a hosting platform are
// nearly all, share one PathIndex; routes with the same options share one number for them. No object
// is made for a site or route before a request asks for it (Plan).
import Configuration
import Routing
import Telemetry

/// Which route a request belongs to. Immutable once made; worker-confined.
struct SiteTable {
  private struct Site: BitwiseCopyable {
    var paths: UInt32
    /// The row of its first route; the others follow in their order.
    var firstRow: UInt32
    /// Where its first name is in `names`.
    var name: UInt32
    /// 253 at most, and two for a wildcard.
    var nameCount: UInt8
  }

  /// What is done by a route; each number counts in a list of its own.
  enum Work: BitwiseCopyable {
    case proxy(upstream: UInt32)
    case respond(UInt32)
    case redirect(UInt32)
    case function(UInt32)
  }

  /// A route, without its pattern.
  struct Row: BitwiseCopyable {
    var work: Work
    var settings: UInt32
  }

  /// The patterns of one site or of many. Immutable; an object, so that a request counts one
  /// reference and not one for each array of the index.
  final class PathSet {
    let index: PathIndex
    let patterns: [PathPattern]

    init(_ index: PathIndex, _ patterns: [PathPattern]) {
      self.index = index
      self.patterns = patterns
    }
  }

  private var hosts: HostIndex
  private var sites: [Site] = []
  private var names: [UInt8] = []
  private(set) var pathSets: [PathSet] = []
  private(set) var rows: [Row] = []
  /// The options that routes have, each once.
  private(set) var settings: [Shared<RouteOptions>] = []
  private(set) var responses: [Shared<FixedResponse>] = []
  private(set) var redirects: [Shared<Redirect>] = []

  init(_ configurations: [SiteConfiguration]) {
    hosts = HostIndex(capacity: configurations.reduce(0) { $0 + $1.names.count })
    sites.reserveCapacity(configurations.count)
    names.reserveCapacity(configurations.count * 20)
    rows.reserveCapacity(configurations.reduce(0) { $0 + $1.routes.count })
    var makers = Makers()
    for configuration in configurations { add(configuration, &makers) }
  }

  /// What is known already while a table is made.
  private struct Makers {
    var pathSets: [[UInt8]: UInt32] = [:]
    var settings: [ObjectIdentifier: UInt32] = [:]
  }

  private mutating func add(_ configuration: SiteConfiguration, _ makers: inout Makers) {
    let name = Array((configuration.names.first ?? .any).description.utf8)
    for name in configuration.names {
      // The configuration has refused a name that two sites have.
      _ = hosts.insert(name, sites.count)
    }
    sites.append(
      Site(
        paths: pathSet(of: configuration.routes, &makers), firstRow: UInt32(rows.count),
        name: UInt32(names.count), nameCount: UInt8(clamping: name.count)))
    names += name
    for route in configuration.routes {
      rows.append(
        Row(work: work(route.action), settings: number(of: route.settings, &makers)))
    }
  }

  private mutating func pathSet(
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
      pathSets.append(PathSet(try PathIndex(patterns), patterns))
    } catch {
      // The configuration refuses such a site; should one come here all the same, it has no routes.
      Log.error("a site has the route \"\(patterns[error.second])\" twice")
      if let none = try? PathIndex([]) { pathSets.append(PathSet(none, [])) }
    }
    return UInt32(pathSets.count - 1)
  }

  private mutating func number(
    of shared: Shared<RouteOptions>, _ makers: inout Makers
  ) -> UInt32 {
    if let known = makers.settings[ObjectIdentifier(shared)] { return known }
    let number = UInt32(settings.count)
    makers.settings[ObjectIdentifier(shared)] = number
    settings.append(shared)
    return number
  }

  private mutating func work(_ action: Action) -> Work {
    switch action {
    case .proxy(let upstream):
      return .proxy(upstream: UInt32(upstream))
    case .respond(let response):
      responses.append(response)
      return .respond(UInt32(responses.count - 1))
    case .redirect(let redirect):
      redirects.append(redirect)
      return .redirect(UInt32(redirects.count - 1))
    case .function(let number):
      return .function(UInt32(number))
    }
  }

  // MARK: Looking up

  var count: Int { sites.count }

  /// The number of the site for a host as it came, with or without a port.
  func site(for host: RawSpan) -> Int? { hosts.find(host) }

  /// As `site`, and tells by which name.
  func match(host: RawSpan) -> (site: Int, by: HostMatch)? {
    hosts.match(host).map { ($0.value, $0.by) }
  }

  /// The route of a site for a path in its normal form; its number counts in the site.
  func route(of site: Int, for path: RawSpan, _ matcher: borrowing Matcher) -> PathMatch {
    pathSets[Int(sites[site].paths)].index.match(path, matcher)
  }

  /// The row of a site's route.
  func row(of site: Int, _ route: Int) -> Int { Int(sites[site].firstRow) + route }

  func paths(of site: Int) -> PathSet { pathSets[Int(sites[site].paths)] }

  /// The first name of a site.
  func name(of site: Int) -> String {
    let start = Int(sites[site].name)
    return String(decoding: names[start..<start + Int(sites[site].nameCount)], as: UTF8.self)
  }

  /// Bytes of memory behind the table, what is shared with the configuration apart.
  var byteCount: Int {
    hosts.byteCount + sites.capacity * MemoryLayout<Site>.stride + names.capacity
      + rows.capacity * MemoryLayout<Row>.stride
      + pathSets.capacity * MemoryLayout<PathSet>.stride
      + pathSets.reduce(0) { $0 + $1.index.byteCount }
      + (settings.capacity + responses.capacity + redirects.capacity)
      * MemoryLayout<AnyObject>.stride
  }
}
