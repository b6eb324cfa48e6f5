// The keys of routes, and the ones that could never match.
import HTTP
import Testing

@testable import Routing

@Suite struct PathPatternTests {
  private func pattern(_ text: String) throws(PathPatternError) -> String {
    var store = RegularExpressionStore()
    return try PathPattern(text, sharing: &store).description
  }

  @Test(arguments: [
    ("/", "/"), ("/api/", "/api/"), ("/.", "/."), ("/..", "/.."), ("/a%2Fb", "/a%2Fb"),
    ("= /", "= /"), ("=/ping", "= /ping"), ("=   /ping", "= /ping"),
    ("~ ^/u/[0-9]+", "~ ^/u/[0-9]+"), ("~^/x", "~ ^/x"), ("~* \\.png$", "~* \\.png$"),
  ])
  func `a route is an exact path, an expression or a prefix`(text: String, form: String) throws {
    #expect(try pattern(text) == form)
  }

  @Test(arguments: [
    ("", PathPatternError.unknownForm),
    ("api", .unknownForm),
    ("^~ /x", .unknownForm),
    ("~", .unknownForm),
    ("~* ", .unknownForm),
    ("=", .neverMatches(normal: "/")),
    ("= ping", .path(.notAbsolute)),
    ("/a?b", .query),
    ("= /a?", .query),
    ("/a b", .path(.forbiddenByte)),
    ("/ü", .path(.forbiddenByte)),
    ("/a%", .path(.brokenEscape)),
    ("/a%4", .path(.brokenEscape)),
    ("/../", .path(.aboveRoot)),
    ("//", .neverMatches(normal: "/")),
    ("/a/./", .neverMatches(normal: "/a/")),
    ("/a/../b", .neverMatches(normal: "/b")),
    ("/%61pi/", .neverMatches(normal: "/api/")),
    ("= /.", .neverMatches(normal: "/")),
    ("= /a%2fb", .neverMatches(normal: "/a%2Fb")),
  ])
  func `a route that could never match is refused`(text: String, error: PathPatternError) {
    #expect(throws: error) { try pattern(text) }
  }

  @Test func `a wrong expression is told with its place`() {
    let error = RegularExpressionError(offset: 5, message: "missing closing parenthesis")
    #expect(throws: PathPatternError.expression(error)) { try pattern("~ ^/(a|") }
    #expect(
      "\(PathPatternError.expression(error))" == "missing closing parenthesis, at character 6")
  }

  @Test func `the same expression is compiled once`() throws {
    var store = RegularExpressionStore()
    for text in ["~ a", "~a", "~* a", "~ b"] { _ = try PathPattern(text, sharing: &store) }
    #expect(store.count == 3)
  }
}
