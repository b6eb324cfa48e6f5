// The sites in `rsp status`: each with its counts over all workers, and how its upstreams are.
import Balancing
import Configuration
import JSON
import Proxy
import Routing

extension Supervisor {
  /// How many sites are listed unless all are asked for: there may be 100,000.
  static let listedSites = 20

  /// The sites, those first that are asked most; of sites that are asked alike, in the order of the
  /// configuration.
  func siteStatus(all: Bool, _ upstreams: [UpstreamStatus]) async -> JSON {
    var counts: [String: SiteCounts] = [:]
    for worker in workers {
      counts.merge(await worker.siteCounts()) { sum, more in
        var sum = sum
        sum += more
        return sum
      }
    }
    let states = Dictionary(
      upstreams.map { ($0.name, $0.condition) }, uniquingKeysWith: { first, _ in first })
    var sites = configuration.sites.enumerated().map { number, site in
      (number: number, site: site, counts: counts[site.firstName] ?? SiteCounts())
    }
    sites.sort { ($1.counts.requests, $0.number) < ($0.counts.requests, $1.number) }
    let listed = all ? sites[...] : sites.prefix(Self.listedSites)
    return .array(listed.map { json($0.site, $0.counts, states) })
  }

  private func json(
    _ site: SiteConfiguration, _ counts: SiteCounts, _ states: [String: UpstreamCondition]
  ) -> JSON {
    var names: [String] = []
    for route in site.routes {
      guard case .proxy(let upstream) = route.action else { continue }
      let name = configuration.upstreams[upstream].name
      if !names.contains(name) { names.append(name) }
    }
    let state = names.compactMap { states[$0] }.max() ?? .up
    return [
      "name": .string(site.firstName), "names": .integer(site.names.count),
      "routes": .integer(site.routes.count), "state": .string(state.name),
      "upstreams": .array(names.map { .string($0) }),
      "requests": .integer(counts.requests), "failures": .integer(counts.failures),
    ]
  }
}

/// How an upstream is as a whole, from good to bad.
enum UpstreamCondition: Int, Comparable {
  /// Every server may be chosen.
  case up
  /// Some are out.
  case degraded
  /// No server may be chosen, or none is known.
  case down

  var name: String { String(describing: self) }

  static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension UpstreamStatus {
  var condition: UpstreamCondition {
    let usable = servers.count { $0.state.isUsable }
    if usable == 0 { return .down }
    return usable == servers.count ? .up : .degraded
  }
}

extension Availability {
  fileprivate var isUsable: Bool {
    switch self {
    case .up, .warming, .onProbation: true
    case .ejected, .failing, .draining, .down: false
    }
  }
}

extension SiteConfiguration {
  /// What the site is called.
  var firstName: String { (names.first ?? .any).description }
}
