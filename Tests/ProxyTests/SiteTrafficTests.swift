// What sites were asked, over a change of the configuration.
import Testing

@testable import Configuration
@testable import Proxy
@testable import Routing

@Suite struct SiteTrafficTests {
  private func plan(_ names: [String]) throws -> Plan { try plan(of: names.map { [$0] }) }

  /// - Parameter sites: the names of each.
  private func plan(of sites: [[String]]) throws -> Plan {
    quietPlan(
      Configuration(
        listeners: [], upstreams: [],
        sites: try sites.map {
          SiteConfiguration(
            names: try $0.map { try HostName($0) },
            routes: [
              RouteConfiguration(
                pattern: .prefix(Array("/".utf8)),
                action: .respond(Shared(FixedResponse(status: 200))))
            ])
        }))
  }

  @Test(arguments: [
    ["a.example", "b.example", "c.example", "*.d.example"],
    ["new.example", "a.example", "b.example", "c.example", "*.d.example"],
    ["b.example", "c.example", "*.d.example"],
    ["*.d.example", "c.example", "b.example", "a.example"],
    ["a.example", "new.example", "*.d.example", "other.example", "c.example"],
    ["new.example"],
    [],
  ])
  func `sites that stay go on counting, wherever they stand`(_ names: [String]) throws {
    let before = ["a.example", "b.example", "c.example", "*.d.example"]
    let old = try plan(before)
    for (number, count) in [3, 0, 2, 1].enumerated() {
      for _ in 0..<count { old.tables.noteRequest(at: RoutePlace(site: Int32(number))) }
    }
    old.tables.traffic.noteFailure(at: RoutePlace(site: 2))
    let new = try plan(names)
    new.takeEffect(after: old)
    let all: [String: SiteCounts] = [
      "a.example": SiteCounts(requests: 3), "c.example": SiteCounts(requests: 2, failures: 1),
      "*.d.example": SiteCounts(requests: 1),
    ]
    #expect(new.siteCounts == all.filter { names.contains($0.key) })
  }

  @Test func `requests by any name of a site count together, before a change and after`() throws {
    let hosts = ["a.example", "x.www.example", "b.example", "y.www.example", "elsewhere.example"]
    func ask(_ plan: Plan) {
      for host in hosts {
        guard case .destination(_, let place) = plan.find(host: host, path: "/") else { continue }
        plan.tables.noteRequest(at: place)
      }
    }
    let sites = [["a.example", "b.example", "*.www.example"], ["*"]]
    let old = try plan(of: sites)
    ask(old)
    #expect(
      old.siteCounts == ["a.example": SiteCounts(requests: 4), "*": SiteCounts(requests: 1)])
    let new = try plan(of: sites.reversed())
    new.takeEffect(after: old)
    ask(new)
    #expect(
      new.siteCounts == ["a.example": SiteCounts(requests: 8), "*": SiteCounts(requests: 2)])
  }
}
