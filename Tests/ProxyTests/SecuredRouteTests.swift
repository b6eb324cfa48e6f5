// `redirect_https` and `hsts`: what requests without TLS are told, and what answers over TLS say.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import TestSupport
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(1))) struct SecuredRouteTests {
  /// The first lines of the answer, and those fields of it that are asked for.
  private func answer(
    to input: String, overTLS: Bool = false, tlsPorts: [UInt16] = [443], trusting: String? = nil,
    _ change: (inout RouteOptions) -> Void = { $0.redirectsToHTTPS = true }
  ) async throws -> [String] {
    var options = RouteOptions()
    change(&options)
    var configuration = configuration(.ip(host: "127.0.0.1", port: 1), options)
    configuration.sites[0].routes[0].action = .respond(
      Shared(FixedResponse(status: 200, body: Array("x".utf8))))
    var secure = ListenerOptions()
    secure.tls = ListenerTLS()
    for port in tlsPorts {
      configuration.listeners.append(
        ListenerConfiguration(address: .any(port: port), options: secure))
    }
    // No TLS is spoken in this test; a trusted proxy before us says that it was.
    let trusting = overTLS ? "192.0.2.0/24" : trusting
    var plain = ListenerOptions()
    if let trusting { try plain.trusted.insert(trusting) }
    let (all, listener) = (configuration, plain)
    let said = overTLS ? "\nX-Forwarded-Proto: https\n" : "\n"
    let sent = input.replacing("\n", with: said, maxReplacements: 1)
    let bytes = Array(sent.replacing("\n", with: "\r\n").utf8)
    return try await onLoop { worker in
      let state = WorkerState(all, worker.loop)
      let now = UInt32(truncatingIfNeeded: state.reactor.now.milliseconds / 1000)
      let connection = ClientConnection(
        MemoryStream([.bytes(bytes), .end]), from: localPeer,
        ConnectionRecord(listener: 0, requests: 0, acceptedAt: now),
        ClientListener(.any(port: 8000), listener), state)
      _ = await connection.serve()
      let shown = ["HTTP/", "Location:", "Strict-Transport-Security:"]
      return connection.stream.writtenText.withLineFeeds.split(separator: "\n").map(String.init)
        .filter { line in shown.contains { line.hasPrefix($0) } }
    }
  }

  private static let moved = "HTTP/1.1 308 Permanent Redirect"

  @Test(arguments: [
    ("A.Example", "https://a.example/x?y=%20"), ("a.example.", "https://a.example/x?y=%20"),
    ("a.example:8080", "https://a.example/x?y=%20"), ("[::1]", "https://[::1]/x?y=%20"),
  ])
  func `a request without TLS is sent to the same URL with https`(
    host: String, location: String
  ) async throws {
    #expect(
      try await answer(to: "POST /x?y=%20 HTTP/1.1\nHost: \(host)\n\n")
        == [Self.moved, "Location: \(location)"])
  }

  @Test func `a port in the Host becomes the port of TLS, if that is not 443`() async throws {
    let request = { (host: String) in "GET / HTTP/1.1\nHost: \(host)\n\n" }
    let location = { (ports: [UInt16], host: String) async throws in
      try await answer(to: request(host), tlsPorts: ports).last
    }
    #expect(try await location([8443, 9443], "a:8080") == "Location: https://a:8443/")
    #expect(try await location([8443, 9443], "[::1]:80") == "Location: https://[::1]:8443/")
    #expect(try await location([8443], "a") == "Location: https://a/")
    #expect(try await location([8443, 443], "a:8080") == "Location: https://a/")
    #expect(try await location([], "a:8080") == "Location: https://a/")
  }

  @Test func `an absolute target keeps its path and query`() async throws {
    let found = try await answer(to: "GET http://b.example?q HTTP/1.1\nHost: b.example\n\n")
    #expect(found.last == "Location: https://b.example/?q")
  }

  @Test(arguments: ["OPTIONS * HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.0\n\n"])
  func `a request without a URL to go to is refused`(request: String) async throws {
    #expect(try await answer(to: request) == ["HTTP/1.1 400 Bad Request"])
  }

  @Test func `a request by TLS goes where it should`() async throws {
    let request = "GET / HTTP/1.1\nHost: a\n\n"
    #expect(try await answer(to: request, overTLS: true) == ["HTTP/1.1 200 OK"])
  }

  @Test(arguments: [
    ("X-Forwarded-Proto: https\n", true), ("X-Forwarded-Proto: HTTPS\n", true),
    ("X-Forwarded-Proto: http\n", false), ("X-Forwarded-Proto: https, http\n", false),
    ("X-Forwarded-Proto: https\nX-Forwarded-Proto: https\n", false), ("", false),
  ])
  func `a trusted proxy says whether it was TLS`(fields: String, isSecure: Bool) async throws {
    let request = "GET / HTTP/1.1\nHost: a\n\(fields)\n"
    let found = try await answer(to: request, trusting: "192.0.2.0/24")
    #expect(found.first == (isSecure ? "HTTP/1.1 200 OK" : Self.moved))
  }

  @Test func `others do not`() async throws {
    let request = "GET / HTTP/1.1\nHost: a\nX-Forwarded-Proto: https\n\n"
    #expect(try await answer(to: request).first == Self.moved)
  }

  @Test func `Strict-Transport-Security is told by TLS only, with errors and redirects, too`()
    async throws
  {
    let line = "Strict-Transport-Security: max-age=1"
    let change = { (options: inout RouteOptions) in options.strictTransportSecurity = "max-age=1" }
    let request = "GET / HTTP/1.1\nHost: a\n\n"
    #expect(try await answer(to: request, change) == ["HTTP/1.1 200 OK"])
    #expect(try await answer(to: request, overTLS: true, change) == ["HTTP/1.1 200 OK", line])
    let large = "POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\nab"
    let refused = try await answer(to: large, overTLS: true) {
      change(&$0)
      $0.maxBody = 1
    }
    #expect(refused == ["HTTP/1.1 413 Content Too Large", line])
  }

  private func fields(
    of answer: String, trusted: Bool = true, _ changes: FieldChanges = FieldChanges()
  ) throws -> [Substring] {
    let request = "GET / HTTP/1.1\nHost: a\nX-Forwarded-Proto: https\n\n"
    let head = try Rewriting(request, trusting: trusted ? "192.0.2.0/24" : nil) {
      $0.strictTransportSecurity = "max-age=1"
      $0.responseFields = changes
    }.response("HTTP/1.1 200 OK\nDate: x\n\(answer)Content-Length: 0\n\n")
    return try #require(head).split(separator: "\n").filter {
      $0.lowercased().hasPrefix("strict-transport-security")
    }
  }

  @Test func `it is added to what a server says, unless the server has said it`() throws {
    #expect(try fields(of: "") == ["Strict-Transport-Security: max-age=1"])
    #expect(
      try fields(of: "strict-transport-security: max-age=9\n")
        == ["strict-transport-security: max-age=9"])
    #expect(try fields(of: "", trusted: false) == [])
  }

  @Test func `changes of fields come first`() throws {
    var removing = FieldChanges()
    removing.remove = ["strict-transport-security"]
    #expect(
      try fields(of: "Strict-Transport-Security: max-age=9\n", removing)
        == ["Strict-Transport-Security: max-age=1"])
    var setting = FieldChanges()
    setting.set = [.init(name: "Strict-transport-security", value: template("max-age=5"))]
    #expect(try fields(of: "", setting) == ["Strict-transport-security: max-age=5"])
  }
}
