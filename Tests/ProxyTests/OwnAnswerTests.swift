// Answers that rsp gives by itself, from the first byte of a connection to its last.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import TestSupport
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(1))) struct OwnAnswerTests {
  /// All that a client gets for what it sends before it closes; Dates are left out.
  private func answers(
    to input: String, _ action: Action, _ change: (inout RouteOptions) -> Void = { _ in }
  ) async throws -> String {
    var options = RouteOptions()
    change(&options)
    var configuration = configuration(.ip(host: "127.0.0.1", port: 1), options)
    configuration.sites[0].routes[0].action = action
    let all = configuration
    let bytes = Array(input.replacing("\n", with: "\r\n").utf8)
    return try await onLoop { worker in
      let state = WorkerState(all, worker.loop)
      let now = UInt32(truncatingIfNeeded: state.reactor.now.milliseconds / 1000)
      let connection = ClientConnection(
        MemoryStream([.bytes(bytes), .end]), from: localPeer,
        ConnectionRecord(listener: 0, requests: 0, acceptedAt: now),
        ClientListener(.any(port: 8000), ListenerOptions()), state)
      _ = await connection.serve()
      return connection.stream.writtenText.withLineFeeds
        .split(separator: "\n", omittingEmptySubsequences: false)
        .filter { !$0.hasPrefix("Date: ") }.joined(separator: "\n")
    }
  }

  private func respond(_ status: Int, _ body: String = "") -> Action {
    .respond(Shared(FixedResponse(status: status, body: Array(body.utf8))))
  }

  private func redirect(_ location: String) -> Action {
    .redirect(Shared(Redirect(location: template(location))))
  }

  private let request = "GET /a?b HTTP/1.1\nHost: a.example\n\n"
  private let type = "Content-Type: text/plain; charset=utf-8\n"

  @Test func `answers follow each other on a connection`() async throws {
    let answer = "HTTP/1.1 200 OK\n\(type)Content-Length: 3\n\nabc"
    #expect(try await answers(to: request + request, respond(200, "abc")) == answer + answer)
  }

  @Test func `HEAD gets the head alone`() async throws {
    let head = request.replacing("GET", with: "HEAD")
    let answer = "HTTP/1.1 200 OK\n\(type)Content-Length: 3\n\n"
    #expect(try await answers(to: head + head, respond(200, "abc")) == answer + answer)
  }

  @Test(arguments: [(204, "No Content"), (304, "Not Modified")])
  func `where there is no body nothing is said of one`(
    _ status: Int, _ reason: String
  ) async throws {
    #expect(try await answers(to: request, respond(status)) == "HTTP/1.1 \(status) \(reason)\n\n")
  }

  @Test func `a body that has come is skipped, one that has not closes`() async throws {
    let post = "POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\n"
    let answer = "HTTP/1.1 200 OK\n\(type)Content-Length: 0\n"
    let skipped = try await answers(to: post + "xy" + request, respond(200))
    #expect(skipped == answer + "\n" + answer + "\n")
    let missing = try await answers(to: post + "x", respond(200))
    #expect(missing == answer + "Connection: close\n\n")
  }

  @Test func `a large body leaves in pieces`() async throws {
    let body = String(repeating: "0123456789", count: 20_000)
    let answer = try await answers(to: request, respond(200, body))
    #expect(answer == "HTTP/1.1 200 OK\n\(type)Content-Length: 200000\n\n\(body)")
  }

  @Test func `a redirect is made of the request`() async throws {
    let answer = try await answers(to: request, redirect("https://$host$request_uri"))
    #expect(
      answer
        == "HTTP/1.1 302 Found\n\(type)Content-Length: 10\nLocation: https://a.example/a?b\n\n"
        + "302 Found\n")
  }

  @Test func `no blank and no control character comes out in a Location`() async throws {
    let request = "GET / HTTP/1.1\nHost: a\nX-A: a b\t\"<\\\n\n"
    let answer = try await answers(to: request, redirect("/$http_x_a"))
    #expect(answer.contains("\nLocation: /a%20b%09%22%3C%5C\n"))
  }

  @Test func `response fields are changed in own answers and in error answers`() async throws {
    func change(_ options: inout RouteOptions) {
      options.responseFields = changes(set: [("X-A", "$status")])
      options.maxBody = 1
    }
    let answer = try await answers(to: request, respond(200), change)
    #expect(answer == "HTTP/1.1 200 OK\n\(type)Content-Length: 0\nX-A: 200\n\n")
    let post = "POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\nab"
    let refused = try await answers(to: post, respond(200), change)
    #expect(refused.contains("\nX-A: 413\n"))
    #expect(refused.hasSuffix("\n413 Content Too Large: the request body is too large\n"))
  }

  @Test func `an error page stands in for an error answer`() async throws {
    let page = FixedResponse(status: 413, body: Array("big\n".utf8), contentType: "text/html")
    let post = "POST / HTTP/1.1\nHost: a\nContent-Length: 2\n\nab"
    let answer = try await answers(to: post, respond(200)) {
      $0.maxBody = 1
      $0.errorPages = [413: Shared(page)]
    }
    #expect(
      answer == """
        HTTP/1.1 413 Content Too Large
        Content-Type: text/html
        Content-Length: 4
        Connection: close

        big

        """)
  }
}
