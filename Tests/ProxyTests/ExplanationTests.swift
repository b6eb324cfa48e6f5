// What `rsp explain` says, and which routes of two plans are the same.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import Testing

@testable import Proxy

@Suite struct ExplanationTests {
  private func lines(_ request: ExplainedRequest) throws -> [String] {
    var configuration = try sitesConfiguration([
      ("a.example", [("= /ping", 0), ("~ ^/u/", 1), ("/api/", 2), ("/", 3)]), ("*.b.example", []),
    ])
    configuration.sites[0].routes[2].settings = Shared(stripping("/api"))
    return quietPlan(configuration).explain(request, Matcher(), BufferPool()).lines
  }

  private func stripping(_ prefix: String) -> RouteOptions {
    var options = RouteOptions()
    options.stripPrefix = Array(prefix.utf8)
    return options
  }

  @Test func `each step is told`() throws {
    let lines = try lines(ExplainedRequest(listener: ":80", url: "http://A.example:80//api/x?y"))
    #expect(
      lines == [
        "listener  :80", "host      a.example", "path      /api/x (the normal form of //api/x)",
        "site      a.example (this name)", "route     \"= /ping\": the path is another one",
        "          \"~ ^/u/\": does not match", "          \"/api/\": matches",
        "          \"/\": would match, but a longer prefix does, too", "action    proxy \"u2\"",
        "sent as   /x (strip_prefix \"/api\")",
      ])
  }

  @Test(arguments: [
    ("c.example/", "site      none has this name: 404"),
    ("x.b.example/", "action    answer 404: no route has this path"),
    ("a.example/%00", "refused   400 Bad Request: the path holds a forbidden character"),
    ("/", "refused   400 Bad Request: "),
  ])
  func `a refusal is told`(_ url: String, _ last: String) throws {
    #expect(try lines(ExplainedRequest(url: url)).last?.hasPrefix(last) == true)
  }

  @Test func `by TLS a site may be passed through, and without it sent there`() throws {
    var configuration = try sitesConfiguration([("a.example", []), ("b.example", [("/", 2)])])
    configuration.sites[0].passthrough = 1
    var options = RouteOptions()
    options.redirectsToHTTPS = true
    configuration.sites[1].routes[0].settings = Shared(options)
    let plan = quietPlan(configuration)
    let last = { (url: String) in
      plan.explain(ExplainedRequest(url: url), Matcher(), BufferPool()).lines.last
    }
    #expect(last("https://a.example/x") == "action    passed through to \"u1\", undecrypted")
    #expect(last("http://a.example/x") == "action    answer 404: no route has this path")
    #expect(last("https://b.example/x") == "action    proxy \"u2\"")
    #expect(last("http://b.example/x") == "action    redirect 308 to https (redirect_https)")
    #expect(last("https://c.example/") == "site      none has this name: 421")
  }

  @Test func `a Host field stands beside a path`() throws {
    let lines = try lines(ExplainedRequest(url: "/u/", fields: ["Host: a.example"]))
    #expect(lines.last == "action    proxy \"u1\"")
  }

  @Test func `a route has a counterpart as long as nothing about it changes`() throws {
    let before = try sitesConfiguration([("*.a.example", [("/", 0), ("/x/", 1)])])
    let plan = quietPlan(before)
    let found = plan.find(host: "b.a.example", path: "/")
    guard case .destination(.proxy(let old), let place) = found else { throw Missing() }
    let name = plan.sites.name(of: place)
    var after = try sitesConfiguration([
      ("b.a.example", [("/", 2)]), ("*.a.example", [("/", 0), ("/y/", 1)]),
    ])
    #expect(quietPlan(after).counterpart(of: old, named: name)?.upstream.name == "u0")
    after.sites[1].routes[0].settings = Shared(stripping("/z"))
    #expect(quietPlan(after).counterpart(of: old, named: name) == nil)
    after.sites[1].routes[0] = RouteConfiguration(
      pattern: after.sites[1].routes[0].pattern, action: .proxy(upstream: 3))
    #expect(quietPlan(after).counterpart(of: old, named: name) == nil)
    after.sites[1].routes.removeFirst()
    #expect(quietPlan(after).counterpart(of: old, named: name) == nil)
    after.sites.removeLast()
    #expect(quietPlan(after).counterpart(of: old, named: name) == nil)
  }

  private struct Missing: Error {}
}
