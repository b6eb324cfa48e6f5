// Connections that are passed on as they are: which route they take, and whether it stays at a reload.
import Bytes
import Configuration
import Routing
import Testing

@testable import Proxy

struct PassageTests {
  private func configuration(
    _ names: [String], terminated: [String] = [], service: Int? = nil, timeout: Int = 1000
  ) throws -> Configuration {
    var options = RouteOptions()
    options.tunnelTimeoutMilliseconds = timeout
    let tunnel = Shared(options)
    let passed = try SiteConfiguration(
      names: names.map { name throws(HostNameError) in try HostName(name) }, routes: [],
      passthrough: 1, tunnel: tunnel)
    let others = try terminated.map { name throws(HostNameError) in
      SiteConfiguration(names: [try HostName(name)], routes: [])
    }
    var listeners = [ListenerConfiguration(address: .any(port: 443))]
    if let service {
      listeners.append(
        ListenerConfiguration(
          address: .any(port: 5432), service: .tcp(upstream: service), tunnel: tunnel))
    }
    return Configuration(
      listeners: listeners, upstreams: [upstream("a"), upstream("b")], sites: [passed] + others)
  }

  private func upstream(_ name: String) -> UpstreamConfiguration {
    UpstreamConfiguration(
      name: name, servers: [ServerConfiguration(address: .ip(host: "127.0.0.1", port: 1))])
  }

  private func upstream(of name: String?, _ plan: Plan) -> String? {
    plan.passage(for: name)?.route.upstream.name
  }

  @Test func `a name leads to the upstream of its site`() throws {
    let plan = quietPlan(
      try configuration(["a.example", "*.b.example"], terminated: ["c.example", "x.b.example"]))
    #expect(upstream(of: "a.example", plan) == "b")
    #expect(upstream(of: "one.two.b.example", plan) == "b")
    #expect(upstream(of: "c.example", plan) == nil)
    #expect(upstream(of: "x.b.example", plan) == nil, "a site of its own is decrypted")
    #expect(upstream(of: "b.example", plan) == nil)
    #expect(upstream(of: nil, plan) == nil)
    let isOne = plan.passage(for: "a.example")?.route === plan.passage(for: "y.b.example")?.route
    #expect(isOne)
  }

  @Test func `only the site of all names takes connections without one`() throws {
    let plan = quietPlan(try configuration(["*"], terminated: ["c.example"]))
    #expect(upstream(of: nil, plan) == "b")
    #expect(upstream(of: "a.example", plan) == "b")
    #expect(upstream(of: "c.example", plan) == nil)
  }

  @Test func `explain tells that a name is passed through`() throws {
    let plan = quietPlan(try configuration(["a.example"]))
    func explained(_ url: String) -> Explanation {
      plan.explain(ExplainedRequest(url: url), Matcher(), BufferPool())
    }
    let passed = explained("https://a.example/x")
    #expect(passed.lines.last == "action    passed through to \"b\", undecrypted")
    #expect(passed.upstream == 1)
    #expect(explained("http://a.example/x").lines.last?.contains("404") == true)
  }

  @Test func `a service is found by its listener`() throws {
    let plan = quietPlan(try configuration(["a.example"], service: 0))
    #expect(plan.service(at: .any(port: 5432))?.upstream.name == "a")
    #expect(plan.service(at: .any(port: 443)) == nil)
  }

  @Test func `the route of a tunnel stays while site, upstream and options do`() throws {
    let old = quietPlan(try configuration(["a.example"], service: 0))
    let site = try #require(old.passage(for: "a.example"))
    let name = RouteName(site: "a.example", pattern: "")
    let service = try #require(old.service(at: .any(port: 5432)))
    func stays(_ route: RoutePlan, in configuration: Configuration) -> Bool {
      quietPlan(configuration).counterpart(of: route, named: name) != nil
    }
    let same = try configuration(["a.example"], terminated: ["z.example"], service: 0)
    #expect(stays(site.route, in: same) && stays(service, in: same))
    let slower = try configuration(["a.example"], service: 0, timeout: 2000)
    #expect(!stays(site.route, in: slower) && !stays(service, in: slower))
    let other = try configuration(["b.example"], service: 1)
    #expect(!stays(site.route, in: other) && !stays(service, in: other))
    let none = try configuration(["a.example"])
    #expect(stays(site.route, in: none) && !stays(service, in: none))
  }
}
