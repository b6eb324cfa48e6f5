// How much each site is asked: what `rsp status` shows of it.

/// The counts of a table's sites, which are kept there, beside what a request reads of its site.
/// Worker-confined; a plan's routes count in its table also when a later plan is in force already.
struct SiteTraffic {
  let sites: SiteTable

  func noteFailure(at place: RoutePlace) {
    guard place.site >= 0 else { return }
    sites.change(countsOf: Int(place.site)) { $0.failures += 1 }
  }

  /// The sites that were asked, by their numbers.
  var asked: [(site: Int, counts: SiteCounts)] {
    sites.counts.enumerated().filter { $0.element.requests > 0 }
      .map { (site: $0.offset, counts: $0.element) }
  }

  /// Goes on from the counts of an older table, for the sites that have stayed.
  func adopt(_ old: SiteTraffic) {
    // Mostly all sites, or all behind one that came or went, have moved by as much.
    var offset = 0
    for (number, counts) in old.asked {
      let guess = number + offset
      if sites.hasName(of: number, in: old.sites, at: guess) {
        sites.change(countsOf: guess) { $0 = counts }
      } else if let found = sites.site(named: old.sites.name(of: number)) {
        sites.change(countsOf: found.number) { $0 = counts }
        offset = found.number - number
      }
    }
  }
}

/// Statistics of one site, since the worker first knew its first name.
package struct SiteCounts: Sendable, Equatable, BitwiseCopyable {
  /// Requests that met one of its routes.
  package var requests = 0
  /// Those of them that were answered with a 5xx, by a server or by rsp.
  package var failures = 0

  package init(requests: Int = 0, failures: Int = 0) {
    self.requests = requests
    self.failures = failures
  }

  package static func += (sum: inout SiteCounts, more: SiteCounts) {
    sum.requests += more.requests
    sum.failures += more.failures
  }
}
