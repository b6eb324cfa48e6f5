// The request target that a server is asked for (behaviour 25; RFC 9112 3.2).
import HTTP
import Testing

@testable import Proxy

@Suite struct ForwardTargetTests {
  @Test(arguments: [
    ("GET /", "/"), ("GET /a/b?c=%7e//..", "/a/b?c=%7e//.."), ("GET /a?", "/a?"),
    ("GET //a//b/./c/../%7Ed?e", "/a/b/~d?e"), ("GET /a%2fb%5c", "/a%2Fb%5C"),
    ("GET /a/%2e%2E/b?", "/b?"), ("GET http://h/a/../b?c", "/b?c"), ("GET http://h/a?b", "/a?b"),
    ("GET http://h", "/"), ("GET http://h?q", "/?q"), ("GET http://h?", "/?"),
    ("OPTIONS *", "*"), ("OPTIONS http://h", "*"), ("OPTIONS http://h?q", "/?q"),
    ("OPTIONS http://h/", "/"),
  ])
  func `a target is sent on in its normal origin form`(
    _ line: String, _ expected: String
  ) throws {
    #expect(try Rewriting("\(line) HTTP/1.1\nHost: h\n\n").target() == expected)
  }

  @Test(arguments: [
    ("/..", PathError.aboveRoot), ("/a/../../b", .aboveRoot), ("/%2e%2e/", .aboveRoot),
    ("/%00", .forbiddenByte), ("/%zz", .brokenEscape), ("/%", .brokenEscape),
  ])
  func `a path without a normal form is refused`(_ path: String, _ error: PathError) throws {
    let rewriting = try Rewriting("GET \(path) HTTP/1.1\nHost: h\n\n")
    #expect(throws: error) { try rewriting.target() }
  }

  @Test func `a made target does not change while the next one is made`() throws {
    let rewriting = try Rewriting("GET /a//b?c HTTP/1.1\nHost: h\n\n")
    let first = try rewriting.connection.forwardTarget()
    _ = try rewriting.connection.forwardTarget()
    guard case .made(let made) = first else { throw Unexpected() }
    #expect(made == Array("/a/b?c".utf8))
  }

  private struct Unexpected: Error {}
}
