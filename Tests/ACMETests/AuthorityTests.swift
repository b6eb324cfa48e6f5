// How an authority is asked: the directory, the account, nonces, and whole orders, against one that
// says what the test wants.
import IO
import JSON
import TLS
import TestSupport
import Testing

@testable import ACME

@Suite(.timeLimit(.minutes(1))) struct AuthorityTests {
  /// Answers as an authority does that has nothing against anything.
  private static func answer(
    _ asked: ScriptedAuthority.Asked, at url: String, more: String = ""
  ) -> String {
    switch asked.path {
    case "/dir":
      response(
        200,
        """
        {"newNonce": "\(url)/nonce", "newAccount": "\(url)/account", "newOrder": "\(url)/order"\(more)}
        """)
    case "/nonce": response(200, "", "Replay-Nonce: n0")
    case "/account": response(201, "{}", "Replay-Nonce: n1", "Location: \(url)/me")
    case "/order":
      response(
        201,
        """
        {"status": "pending", "authorizations": ["\(url)/proof"], "finalize": "\(url)/finish"}
        """, "Replay-Nonce: n2", "Location: \(url)/1")
    case "/proof":
      response(
        200,
        """
        {"status": "pending", "identifier": {"type": "dns", "value": "a.example"},
         "challenges": [{"type": "http-01", "url": "\(url)/look", "token": "t1"}]}
        """, "Replay-Nonce: n3")
    default: response(200, "{}", "Replay-Nonce: n")
    }
  }

  /// Runs a body with an authority; `change` may answer in place of `answer`.
  private func withAuthority<T: Sendable>(
    more: String = "",
    _ change: @escaping @Sendable (ScriptedAuthority.Asked, Int) -> String? = { _, _ in nil },
    _ body: @escaping @Sendable (Authority, ScriptedAuthority, isolated LoopActor) async throws -> T
  ) async throws -> T {
    return try await onLoop { worker in
      let server = try ScriptedAuthority(on: worker)
      let url = server.url
      server.answer = { [unowned server] asked in
        change(asked, server.count(asked.path)) ?? Self.answer(asked, at: url, more: more)
      }
      defer { server.stop() }
      let authority = Authority(
        directory: url + "/dir", email: "me@example.com", key: try .make(),
        client: try server.client())
      return try await body(authority, server, worker)
    }
  }

  private static func failure(_ work: () async throws(ACMEError) -> Void) async -> ACMEError? {
    do throws(ACMEError) {
      try await work()
      return nil
    } catch {
      return error
    }
  }

  @Test func `the account is made once, by its key, and names itself afterwards`() async throws {
    let asked = try await withAuthority { authority, server, _ in
      try await authority.prepare()
      try await authority.prepare()
      _ = try await authority.order("a.example")
      return server.asked.map { ($0.method + " " + $0.path, $0.header, $0.payload) }
    }
    #expect(
      asked.map(\.0) == ["GET /dir", "HEAD /nonce", "POST /account", "POST /order"])
    #expect(asked[2].1?["jwk"]?["crv"] == "P-256")
    #expect(asked[2].1?["nonce"] == "n0")
    #expect(
      asked[2].2 == ["termsOfServiceAgreed": true, "contact": ["mailto:me@example.com"]])
    #expect(asked[3].1?["kid"]?.text?.hasSuffix("/me") == true)
    #expect(asked[3].1?["nonce"] == "n1")
    #expect(asked[3].2 == ["identifiers": [["type": "dns", "value": "a.example"]]])
  }

  @Test func `a nonce that does not count is replaced by the one that comes with the refusal`()
    async throws
  {
    let nonces = try await withAuthority { asked, count in
      asked.path == "/order" && count == 1 ? problem("badNonce") : nil
    } _: { authority, server, _ in
      try await authority.prepare()
      _ = try await authority.order("a.example")
      return server.asked.filter { $0.path == "/order" }.map { $0.header?["nonce"]?.text }
    }
    #expect(nonces == ["n1", "after-badNonce"])
  }

  @Test(arguments: [(9, true), (10, false)])
  func `a request is signed ten times at most`(refusals: Int, succeeds: Bool) async throws {
    let (failure, count) = try await withAuthority { asked, count in
      asked.path == "/order" && count <= refusals ? problem("badNonce") : nil
    } _: { authority, server, _ in
      try await authority.prepare()
      let failure = await Self.failure { () async throws(ACMEError) in
        _ = try await authority.order("a.example")
      }
      return (failure, server.count("/order"))
    }
    #expect(count == 10)
    #expect((failure == nil) == succeeds)
  }

  @Test func `an account that was forgotten is made again`() async throws {
    let paths = try await withAuthority { asked, count in
      asked.path == "/order" && count == 1 ? problem("accountDoesNotExist") : nil
    } _: { authority, server, _ in
      try await authority.prepare()
      let failure = await Self.failure { () async throws(ACMEError) in
        _ = try await authority.order("a.example")
      }
      #expect(failure?.isOfAccount == true)
      try await authority.prepare()
      _ = try await authority.order("a.example")
      return server.asked.map(\.path)
    }
    #expect(paths == ["/dir", "/nonce", "/account", "/order", "/account", "/order"])
  }

  @Test func `the directory is read again after a failure only`() async throws {
    let count = try await withAuthority { authority, server, _ in
      try await authority.prepare()
      authority.refresh()
      try await authority.prepare()
      try await authority.prepare()
      return server.count("/dir")
    }
    #expect(count == 2)
  }

  @Test func `an authority that wants accounts bound is told of before anything is asked`()
    async throws
  {
    let (failure, count) = try await withAuthority(
      more: #", "meta": {"externalAccountRequired": true}"#
    ) { authority, server, _ in
      (
        await Self.failure { () async throws(ACMEError) in try await authority.prepare() },
        server.asked.count
      )
    }
    #expect(failure?.description.contains("externalAccountRequired") == true)
    #expect(count == 1)
  }

  @Test func `a rate limit is passed on with its time`() async throws {
    let failure = try await withAuthority { asked, _ in
      asked.path == "/order" ? problem("rateLimited", 429, "Retry-After: 120") : nil
    } _: { authority, _, _ in
      try await authority.prepare()
      return await Self.failure { () async throws(ACMEError) in
        _ = try await authority.order("a.example")
      }
    }
    #expect(failure?.retryAfter == 120)
    #expect(failure?.isOfAuthority == true)
    #expect(failure?.description == "the authority says: rateLimited, \"no\"")
  }

  // MARK: Orders

  /// Notes what it is to show.
  private final class Responder: ChallengeResponder {
    var shown: [String] = []
    var now: Set<String> = []

    func show(_ response: ChallengeResponse) async {
      shown.append(response.keyAuthorization)
      now.insert(response.token)
    }

    func withdraw(_ response: ChallengeResponse) async { now.remove(response.token) }
  }

  /// Makes an order.
  ///
  /// - Returns: why it failed, what was shown, and what is still shown.
  private func order(
    by kinds: [ChallengeKind] = [.http01],
    _ change: @escaping @Sendable (ScriptedAuthority.Asked, Int) -> String? = { _, _ in nil }
  ) async throws -> (failure: ACMEError?, shown: [String], now: Set<String>, asked: [String]) {
    try await withAuthority(change) { authority, server, worker in
      try await authority.prepare()
      let responder = Responder()
      let failure = await Self.failure { () async throws(ACMEError) in
        _ = try await Issuance(at: authority, responder, on: worker.reactor)
          .run(for: "a.example", by: kinds, source: "test")
      }
      return (failure, responder.shown, responder.now, server.asked.map(\.path))
    }
  }

  @Test func `a challenge that is not met ends the order in the authority's words`() async throws {
    let result = try await order { asked, count in
      guard asked.path == "/proof", count > 1 else { return nil }
      return response(
        200,
        """
        {"status": "invalid", "identifier": {"type": "dns", "value": "a.example"},
         "challenges": [{"type": "http-01", "url": "u", "token": "t1",
           "error": {"type": "urn:ietf:params:acme:error:connection", "detail": "refused"}}]}
        """, "Replay-Nonce: n")
    }
    #expect(
      result.failure?.description
        == "the challenge http-01 failed: connection, \"refused\"")
    #expect(result.shown.count == 1 && result.shown[0].hasPrefix("t1."))
    #expect(result.now.isEmpty)
    #expect(result.asked.suffix(3) == ["/proof", "/look", "/proof"])
  }

  @Test func `a challenge that cannot be met is not asked to be looked at`() async throws {
    let result = try await order(by: [.tlsALPN01])
    #expect(result.failure == .noChallenge(offered: ["http-01"]))
    #expect(result.shown.isEmpty)
    #expect(!result.asked.contains("/look"))
  }

  @Test func `an authorisation for another name is not proved`() async throws {
    let result = try await order { asked, _ in
      guard asked.path == "/proof" else { return nil }
      return response(
        200, #"{"status": "pending", "identifier": {"value": "b.example"}, "challenges": []}"#,
        "Replay-Nonce: n")
    }
    #expect(result.failure == .malformed("authorisation"))
    #expect(result.shown.isEmpty)
  }

  /// The answers of an authority that believes everything, up to the certificate.
  private static func trusting(
    _ asked: ScriptedAuthority.Asked, _ url: String, _ chain: String
  ) -> String? {
    let order = #""authorizations": ["\#(url)/proof"], "finalize": "\#(url)/finish""#
    return switch asked.path {
    case "/proof":
      response(
        200, #"{"status": "valid", "identifier": {"value": "a.example"}, "challenges": []}"#,
        "Replay-Nonce: n")
    case "/1":
      response(
        200, #"{"status": "valid", \#(order), "certificate": "\#(url)/chain"}"#, "Replay-Nonce: n")
    case "/chain": response(200, chain, "Replay-Nonce: n")
    default: nil
    }
  }

  @Test(arguments: ["", "no certificate", "another key"])
  func `a certificate that is not the one that was asked for is refused`(kind: String) async throws
  {
    var chain = kind
    if kind == "another key" {
      let other = try Certificate(
        selfSignedFor: SubjectNames(hosts: ["a.example"]), validity: 0...4_000_000_000)
      chain = String(decoding: other.pem, as: UTF8.self)
    }
    let text = chain
    let result = try await order { asked, _ in
      Self.trusting(asked, "http://127.0.0.1:1", text).map {
        // The chain lies where the test's authority is; its own URL is in the header it was sent.
        let own = asked.header?["url"]?.text.map { $0.dropLast(asked.path.utf8.count) } ?? ""
        return Self.trusting(asked, String(own), text) ?? $0
      }
    }
    #expect(result.failure == .wrongCertificate)
    #expect(result.asked.suffix(3) == ["/finish", "/1", "/chain"])
    #expect(result.shown.isEmpty)
  }
}
