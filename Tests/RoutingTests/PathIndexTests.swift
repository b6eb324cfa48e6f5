// Finding a route by a path: rules, edges, the explanation, and a naive model on random paths.
import HTTP
import Testing

@testable import Routing

/// Routes and what they stand for, in the order they were given.
private final class PathTable<Value> {
  let index: PathIndex
  let values: [Value]

  init(_ routes: [(pattern: PathPattern, value: Value)]) throws {
    index = try PathIndex(routes.map(\.pattern))
    values = routes.map(\.value)
  }

  subscript(route: Int) -> Value { values[route] }

  func match(_ path: RawSpan, _ matcher: borrowing Matcher) -> PathMatch {
    index.match(path, matcher)
  }

  func explain(_ path: RawSpan, _ matcher: borrowing Matcher) -> [RouteTrial] {
    index.explain(path, matcher)
  }
}

@Suite struct PathIndexTests {
  private func table(_ routes: [String]) throws -> PathTable<String> {
    var store = RegularExpressionStore()
    return try PathTable(routes.map { (try PathPattern($0, sharing: &store), $0) })
  }

  private func route(_ path: String, _ table: PathTable<String>) -> String? {
    let matcher = Matcher()
    guard case .route(let route) = path.withSpan({ table.match($0, matcher) }) else { return nil }
    return table[route]
  }

  @Test(arguments: [
    ("/", "/"), ("/x", "/"), ("/ap", "/"), ("/api", "/api"), ("/apiary", "/api"),
    ("/api/", "/api/"), ("/api/v1", "/api/"), ("/api/v1/", "/api/v1/"), ("/api/v1/x", "/api/v1/"),
    ("/api0", "/api"), ("/api-", "/api"),
    ("/ping", "= /ping"), ("/ping/", "/"), ("/pin", "/"),
    ("/exact/", "= /exact/"), ("/exact/x", "/exact/"),
    ("/u/17", "~ ^/u/[0-9]+"), ("/u/x", "/u/"), ("/u/x.PNG", "~* \\.png$"),
    ("/u/1.png", "~ ^/u/[0-9]+"), ("/logo.png", "= /logo.png"),
  ])
  func `exact wins, then expressions in order, then the longest prefix`(
    path: String, expected: String
  ) throws {
    let table = try table([
      "/api/", "/", "~ ^/u/[0-9]+", "/u/", "= /ping", "/api", "~* \\.png$", "= /logo.png",
      "/api/v1/", "= /exact/", "/exact/",
    ])
    #expect(route(path, table) == expected)
  }

  @Test func `a site without a route for all paths leaves some without`() throws {
    let table = try table(["/b/", "= /c"])
    #expect(["/", "/a", "/b", "/c/", "/d", ""].allSatisfy { route($0, table) == nil })
    #expect(route("/", try self.table([])) == nil)
  }

  @Test(arguments: [["/a", "= /a", "/a"], ["= /a", "/", "= /a"], ["~ x", "~ y", "~ x"]])
  func `a route is there once`(routes: [String]) {
    #expect(throws: DuplicateRoute(first: 0, second: 2)) { try table(routes) }
  }

  @Test func `an expression that meets a limit ends the search`() throws {
    let table = try table(["/", "~ ^/(x+x+)+[yz]", "~ ."])
    let matcher = Matcher()
    let path = "/" + String(repeating: "x", count: 4000)
    #expect(path.withSpan { table.match($0, matcher) } == .gaveUp(1))
    let trials = path.withSpan { table.explain($0, matcher) }
    #expect(trials.map(\.outcome) == [.gaveUp, .notTried(after: 1), .notTried(after: 1)])
  }

  @Test func `the groups of the chosen expression are there`() throws {
    let table = try table(["~ ^/v(\\d+)/(.*)"])
    let matcher = Matcher()
    #expect("/v2/users".withSpan { table.match($0, matcher) } == .route(0))
    #expect(matcher.group(1)?.range == 2..<3)
    #expect(matcher.group(2)?.range == 4..<9)
  }

  @Test(arguments: ["/exact", "/other", "/"])
  func `a route that is no expression has no groups of an earlier one`(path: String) throws {
    let table = try table(["~ ^/v(\\d+)/(.*)", "= /exact", "/"])
    let matcher = Matcher()
    #expect("/v2/a-long-one".withSpan { table.match($0, matcher) } == .route(0))
    #expect(matcher.group(2) != nil)
    _ = path.withSpan { table.match($0, matcher) }
    #expect((0..<10).allSatisfy { matcher.group($0) == nil })
    let prefixes = try self.table(["/"])
    #expect("/v2/a-long-one".withSpan { table.match($0, matcher) } == .route(0))
    _ = path.withSpan { prefixes.match($0, matcher) }
    #expect(matcher.group(0) == nil)
  }

  @Test func `each route tried is explained`() throws {
    let table = try table(["/", "/app/", "/app/x/", "= /ping", "~ ^/u/"])
    let matcher = Matcher()
    let trials = "/app".withSpan { table.explain($0, matcher) }
    #expect(
      trials.map(\.description) == [
        "\"= /ping\": the path is another one",
        "\"~ ^/u/\": does not match",
        "\"/app/x/\": the path does not begin with it",
        "\"/app/\": the path lacks the final slash",
        "\"/\": matches",
      ])
    let deeper = "/app/x/y".withSpan { table.explain($0, matcher) }
    #expect(
      deeper.map(\.outcome) == [
        .differs, .noMatch, .chosen, .passedOver(for: 2), .passedOver(for: 2),
      ])
    let exact = "/ping".withSpan { table.explain($0, matcher) }
    #expect(exact.map(\.route) == [3, 4, 2, 1, 0])
    #expect(exact[0].outcome == .chosen)
    #expect(exact.dropFirst().allSatisfy { $0.outcome == .notTried(after: 3) })
  }

  @Test(arguments: 0..<40)
  func `random tables answer as a naive one, and explain it`(seed: Int) throws {
    var random = Seeded(UInt64(seed))
    func path() -> String {
      "/"
        + (0..<Int.random(in: 0...4, using: &random))
        .map { _ in
          ["a", "b", "ab", "/a", "a/", "longer-than-a-word"].randomElement(using: &random)!
        }
        .joined().split(separator: "/").joined(separator: "/")
        + ["", "/"].randomElement(using: &random)!
    }
    var routes: [String] = []
    while routes.count < seed * 2 {
      let form = ["= ", "", "", "~ ^"].randomElement(using: &random)!
      let path = path().replacing("//", with: "/")
      if !routes.contains(form + path) { routes.append(form + path) }
    }
    // Few tables have expressions, or they would decide everything.
    if seed % 4 != 0 { routes.removeAll { $0.hasPrefix("~") } }
    let table = try table(routes)
    let matcher = Matcher()
    for _ in 0..<300 {
      let path = path().replacing("//", with: "/")
      let expected = naive(routes, path)
      #expect(route(path, table) == expected, "\(path)")
      let trials = path.withSpan { table.explain($0, matcher) }
      #expect(trials.count == routes.count)
      #expect(trials.first { $0.outcome == .chosen }?.pattern == expected, "\(path)")
    }
  }

  private func naive(_ routes: [String], _ path: String) -> String? {
    routes.first { $0 == "= " + path }
      ?? routes.first { $0.hasPrefix("~ ^") && path.hasPrefix($0.dropFirst(3)) }
      ?? routes.filter { $0.hasPrefix("/") && path.hasPrefix($0) }.max { $0.count < $1.count }
  }
}
