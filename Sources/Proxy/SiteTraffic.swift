// How much each site is asked: what `rsp status` shows of it.

/// The counts of a plan's sites, by their numbers. Worker-confined; a plan's routes count in it also
/// when a later plan is in force already.
final class SiteTraffic {
  private(set) var counts: [SiteCounts]

  init(sites: Int) { counts = Array(repeating: SiteCounts(), count: sites) }

  func noteRequest(at place: RoutePlace) {
    guard place.site >= 0 else { return }
    counts[Int(place.site)].requests += 1
  }

  func noteFailure(at place: RoutePlace) {
    guard place.site >= 0 else { return }
    counts[Int(place.site)].failures += 1
  }

  /// Goes on from the counts of an older plan, for the sites that have stayed.
  func adopt(_ old: SiteTraffic, of oldSites: borrowing SiteTable, in sites: borrowing SiteTable) {
    // Mostly all sites, or all behind one that came or went, have moved by as much.
    var offset = 0
    for (number, counts) in old.counts.enumerated() where counts.requests > 0 {
      let guess = number + offset
      if sites.hasName(of: number, in: oldSites, at: guess) {
        self.counts[guess] = counts
      } else if let found = sites.site(named: oldSites.name(of: number)) {
        self.counts[found] = counts
        offset = found - number
      }
    }
  }
}

/// Statistics of one site, since the worker first knew its first name.
package struct SiteCounts: Sendable, Equatable {
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
