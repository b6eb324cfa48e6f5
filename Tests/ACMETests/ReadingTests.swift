// What is read of an authority: URLs, problems, orders, authorisations.
import JSON
import Testing

@testable import ACME

struct ReadingTests {
  private func json(_ text: String) throws -> JSON { try JSON(Array(text.utf8)) }

  // MARK: URLs

  @Test func `a URL is taken apart`() throws {
    let url = try AuthorityURL("https://ca.example:14000/dir?x=1#part")
    #expect(url.isSecure && url.host == "ca.example" && url.port == 14000)
    #expect(url.target == "/dir?x=1")
    #expect(url.authority == "ca.example:14000")
    let bare = try AuthorityURL("https://ca.example")
    #expect(bare.port == 443 && bare.target == "/" && bare.authority == "ca.example")
    let query = try AuthorityURL("http://ca.example?a/b")
    #expect(query.port == 80 && query.target == "/?a/b" && query.host == "ca.example")
    let address = try AuthorityURL("https://[::1]:8443/dir")
    #expect(address.host == "::1" && address.port == 8443 && address.authority == "[::1]:8443")
    #expect(try AuthorityURL("https://[::1]/").port == 443)
  }

  @Test(arguments: [
    "", "ca.example", "ftp://ca.example/", "https://", "https:///dir", "https://ca.example:0/",
    "https://ca.example:65536/", "https://ca.example:/", "https://a@ca.example/",
    "https://ca.example/a b", "https://ca.example/a\r\nHost: b", "https://ca.example/\u{7f}",
    "https://ca.example/é",
  ])
  func `what is no URL to ask is refused`(text: String) {
    #expect(throws: ACMEError.self) { try AuthorityURL(text) }
  }

  @Test func `a URL has 2048 bytes at most`() throws {
    let start = "https://ca.example/"
    let longest = start + String(repeating: "a", count: 2048 - start.utf8.count)
    #expect(try AuthorityURL(longest).text == longest)
    #expect(throws: ACMEError.self) { try AuthorityURL(longest + "a") }
  }

  // MARK: Problems

  @Test func `a problem is told in the authority's words`() throws {
    let problem = Problem(
      try json(
        """
        {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many today",
         "subproblems": [{"detail": "no", "identifier": {"type": "dns", "value": "a.example"}}]}
        """), status: 429, retryAfter: 60)
    #expect(problem.type == "rateLimited")
    #expect(problem.description == "rateLimited, \"too many today; a.example: no\"")
    #expect(ACMEError.problem(problem).retryAfter == 60)
  }

  @Test func `an answer without a problem document is told by its status`() {
    #expect(Problem(nil, status: 502).description == "status 502")
    #expect(ACMEError.problem(Problem(nil, status: 502)).isTransient)
    #expect(!ACMEError.problem(Problem(nil, status: 403)).isTransient)
  }

  @Test func `an authority's words are cut`() throws {
    let long = String(repeating: "x", count: 501)
    let problem = Problem(["detail": .string(long)], status: 400)
    #expect(problem.detail == String(long.dropLast()))
  }

  // MARK: Resources

  @Test func `a directory names where to ask`() throws {
    let directory = try Directory(
      try json(
        """
        {"newNonce": "https://ca/n", "newAccount": "https://ca/a", "newOrder": "https://ca/o",
         "meta": {"externalAccountRequired": true}, "keyChange": null}
        """))
    #expect(directory.newOrder == "https://ca/o")
    #expect(directory.wantsExternalAccount)
    #expect(throws: ACMEError.malformed("directory")) { try Directory(["newNonce": "x"]) }
  }

  @Test func `an order says how far it is`() throws {
    let order = try Order(
      try json(
        """
        {"status": "valid", "authorizations": ["https://ca/1"], "finalize": "https://ca/f",
         "certificate": "https://ca/c"}
        """))
    #expect(order.status == .valid && order.authorizations == ["https://ca/1"])
    #expect(order.certificate == "https://ca/c")
    #expect(throws: ACMEError.malformed("order")) {
      try Order(["status": "done", "finalize": "x"])
    }
  }

  @Test func `an order with more authorisations than names need is refused`() throws {
    func order(_ count: Int) throws -> Order {
      try Order([
        "status": "pending", "finalize": "f",
        "authorizations": .array(Array(repeating: "a", count: count)),
      ])
    }
    #expect(try order(8).authorizations.count == 8)
    #expect(throws: ACMEError.malformed("order")) { try order(9) }
  }

  @Test func `a challenge is found by its kind`() throws {
    let authorization = try Authorization(
      try json(
        """
        {"status": "pending", "identifier": {"type": "dns", "value": "a.example"}, "challenges": [
          {"type": "dns-01", "url": "https://ca/d", "token": "t0"},
          {"type": "http-01", "url": "https://ca/h", "token": "t1"},
          {"type": "odd"}]}
        """))
    #expect(authorization.challenge("http-01")?.url == "https://ca/h")
    #expect(authorization.challenge("tls-alpn-01") == nil)
    #expect(authorization.challenges.map(\.type) == ["dns-01", "http-01"])
  }

  @Test(arguments: ["../../etc", "", "a\r\n", String(repeating: "a", count: 257)])
  func `a challenge whose token is none is not met`(token: String) throws {
    let authorization = try Authorization([
      "status": "pending", "identifier": ["value": "a.example"],
      "challenges": [["type": "http-01", "url": "u", "token": .string(token)]],
    ])
    #expect(authorization.challenge("http-01") == nil)
  }
}
