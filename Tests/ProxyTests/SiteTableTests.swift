// Which route a host and a path lead to, and what the tables cost.
import Configuration
import HTTP
import IO
import Routing
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(1))) struct SiteTableTests {
  /// Sites by their names, each with routes to the upstreams of these numbers.
  private func plan(_ sites: [(names: String, routes: [(String, Int)])]) throws -> Plan {
    quietPlan(try sitesConfiguration(sites))
  }

  /// `site pattern -> upstream`, or why there is no route.
  private func answer(_ plan: Plan, _ host: String, _ path: String) -> String {
    switch plan.find(host: host, path: path) {
    case .destination(.proxy(let route), let place):
      "\(plan.sites.name(of: Int(place.site))) \(plan.sites.name(of: place).pattern) -> \(route.upstream.name)"
    case .destination: "an answer"
    case .noSite: "no site"
    case .noRoute: "no route"
    case .gaveUp(let site, let pattern): "gave up: \(site) \(pattern)"
    }
  }

  @Test(arguments: [
    ("a.example", "a.example / -> u0"), ("A.EXAMPLE:8080", "a.example / -> u0"),
    ("a.example.", "a.example / -> u0"), ("www.a.example", "a.example / -> u0"),
    ("x.b.example", "*.b.example / -> u1"), ("y.x.b.example", "*.x.b.example / -> u2"),
    ("b.example", "* / -> u3"), ("", "* / -> u3"), ("[::1]:80", "* / -> u3"),
  ])
  func `the exact name comes first, then the longest wildcard, then any`(
    _ host: String, _ expected: String
  ) throws {
    let plan = try plan([
      ("a.example www.a.example", [("/", 0)]), ("*.b.example", [("/", 1)]),
      ("*.x.b.example", [("/", 2)]), ("*", [("/", 3)]),
    ])
    #expect(answer(plan, host, "/") == expected)
  }

  @Test(arguments: [
    ("/ping", "s = /ping -> u0"), ("/ping/", "s / -> u3"), ("/u/12", "s ~ ^/u/[0-9]+ -> u1"),
    ("/api/x", "s /api/ -> u2"), ("/api", "s / -> u3"), ("/", "s / -> u3"),
  ])
  func `an exact path comes first, then expressions, then the longest prefix`(
    _ path: String, _ expected: String
  ) throws {
    let plan = try plan([
      ("s", [("= /ping", 0), ("~ ^/u/[0-9]+", 1), ("/api/", 2), ("/", 3)])
    ])
    #expect(answer(plan, "s", path) == expected)
  }

  @Test func `without a site or a route there is nowhere to go`() throws {
    let plan = try plan([("a", [("/x/", 0)]), ("b", [])])
    #expect(answer(plan, "c", "/x/") == "no site")
    #expect(answer(plan, "a", "/y") == "no route")
    #expect(answer(plan, "b", "/") == "no route")
  }

  @Test func `sites with the same patterns share their tables but not their routes`() throws {
    let routes = [("/", 0), ("/api/", 1)]
    let table = SiteTable(
      try sitesConfiguration([("a", routes), ("b", [("/", 2)]), ("c", routes.map { ($0.0, 3) })])
        .sites)
    #expect(table.pathSets.count == 2)
    #expect(table.destinations.count == 5)
    let plan = try plan([("a", routes), ("b", [("/", 2)]), ("c", routes.map { ($0.0, 3) })])
    #expect(answer(plan, "c", "/api/") == "c /api/ -> u3")
    #expect(answer(plan, "a", "/api/") == "a /api/ -> u1")
  }

  @Test func `routes that do the same with the same options are one destination`() throws {
    let shared = Shared(RouteOptions())
    var configuration = try sitesConfiguration([("a", [("/", 0)]), ("b", [("/", 1), ("/c", 1)])])
    for site in configuration.sites.indices {
      for route in configuration.sites[site].routes.indices {
        configuration.sites[site].routes[route].settings = shared
      }
    }
    let table = SiteTable(configuration.sites)
    #expect(table.settings.count == 1)
    // Upstream 0, and upstream 1 for two routes.
    #expect(table.destinations.count == 2)
  }

  @Test func `a route is made once`() throws {
    let plan = try plan([("*", [("/", 0)])])
    let first = try #require(plan.route())
    let isSame = plan.route() === first
    #expect(isSame)
  }

  @Test func `a hundred thousand sites take little memory, and each is found`() throws {
    let count = 100_000
    let options = Shared(RouteOptions())
    let patterns: [PathPattern] = [.prefix(Array("/".utf8)), .prefix(Array("/api/".utf8))]
    var configuration = try sitesConfiguration([])
    for i in 0..<count {
      configuration.sites.append(
        SiteConfiguration(
          names: [try HostName("customer-\(i).example.com")],
          routes: patterns.map {
            RouteConfiguration(pattern: $0, action: .proxy(upstream: i % 4), settings: options)
          }))
    }
    let plan = quietPlan(configuration)
    #expect(plan.byteCount / count < 220)
    for i in stride(from: 0, to: count, by: 997) {
      let expected = "customer-\(i).example.com /api/ -> u\(i % 4)"
      #expect(answer(plan, "customer-\(i).example.com", "/api/x") == expected)
    }
    #expect(answer(plan, "customer-x.example.com", "/") == "no site")
  }

  @Test func `an expression that takes too many steps decides nothing`() throws {
    let plan = try plan([("s", [("~ ^(a+)+$|^/(a+)+$", 0), ("/", 1)])])
    let path = "/" + String(repeating: "a", count: 4000) + "!"
    #expect(answer(plan, "s", path) == "gave up: s ~ ^(a+)+$|^/(a+)+$")
  }
}

/// Sites by their names, each with routes to the upstreams of these numbers, u0 to u3.
func sitesConfiguration(
  _ sites: [(names: String, routes: [(String, Int)])]
) throws -> Configuration {
  var store = RegularExpressionStore()
  var made: [SiteConfiguration] = []
  for site in sites {
    made.append(
      SiteConfiguration(
        names: try site.names.split(separator: " ").map { try HostName(String($0)) },
        routes: try site.routes.map {
          RouteConfiguration(
            pattern: try PathPattern($0.0, sharing: &store), action: .proxy(upstream: $0.1))
        }))
  }
  return Configuration(
    listeners: [ListenerConfiguration(address: .any(port: 8000))],
    upstreams: (0..<4).map {
      UpstreamConfiguration(
        name: "u\($0)",
        servers: [
          ServerConfiguration(address: .ip(host: "127.0.0.1", port: UInt16(8880 + $0)))
        ])
    },
    sites: made)
}
