// What one check asks, and which answers pass, against servers on loopback.
import Balancing
import Bytes
import Configuration
import IO
import Proxy
import Routing
import TestSupport
import Testing

@testable import Supervision

@Suite(.timeLimit(.minutes(1))) struct HealthCheckTests {
  private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

  private static func target(
    _ address: SocketAddress, name: String? = nil, _ kind: HealthCheckOptions.Kind
  ) -> CheckTarget {
    var options = HealthCheckOptions()
    options.kind = kind
    return CheckTarget(
      upstream: "app", member: Member(name: name ?? address.description, address: address),
      options: options)
  }

  /// Makes one check of a server that gives this answer.
  ///
  /// - Returns: why it failed, nil when it passed; and what the server was asked.
  private func check(
    _ answer: String?, _ check: HTTPCheck = HTTPCheck(), patience: Int64 = 10_000,
    at address: SocketAddress = TinyServer.loopback, name: String? = nil
  ) async throws -> (failure: CheckFailure?, requests: [String]) {
    try await onLoop { worker in
      let server = try TinyServer(answer, at: address, on: worker)
      defer { server.stop() }
      let target = Self.target(server.address, name: name, .http(check))
      do throws(CheckFailure) {
        try await HealthCheck.run(
          target, on: worker.reactor, BufferPool(), until: worker.soon(patience))
        return (nil, server.requests)
      } catch {
        return (error, server.requests)
      }
    }
  }

  private func pattern(_ text: String) throws -> HTTPCheck {
    var check = HTTPCheck()
    check.bodyPattern = BodyPattern(try RegularExpression(text))
    return check
  }

  // MARK: What is asked

  @Test func `the request names the path, the host and who asks`() async throws {
    var asked = HTTPCheck()
    asked.path = "/health?full=1"
    asked.host = "app.example"
    let result = try await check(Self.ok, asked)
    #expect(
      result.requests == [
        "GET /health?full=1 HTTP/1.1\r\nHost: app.example\r\nUser-Agent: rsp health check\r\n"
          + "Connection: close\r\n\r\n"
      ])
    #expect(result.failure == nil)
  }

  @Test(arguments: [
    ("app.internal:8080", "app.internal:8080"), ("srv:_http._tcp.app.example", "app.example\r\n"),
  ])
  func `without a host the server's own is named`(name: String, host: String) async throws {
    let result = try await check(Self.ok, name: name)
    #expect(try #require(result.requests.first).contains("\r\nHost: \(host)"))
  }

  @Test func `IPv6 servers and Unix sockets are checked, too`() async throws {
    let v6 = SocketAddress.v6(high: 0, low: 1, scope: 0, port: 0)
    #expect(try await check(Self.ok, at: v6).failure == nil)
    let path = "/tmp/rsp-check-\(UInt64.random(in: 0...UInt64.max)).sock"
    let result = try await check(Self.ok, at: .unix(path))
    unlinkSocket(path)
    #expect(result.failure == nil)
    #expect(try #require(result.requests.first).contains("\r\nHost: localhost\r\n"))
  }

  @Test func `the port option leads to another port of the same address`() {
    var target = Self.target(.v4(0x0a00_0001, port: 80), .tcp)
    target.options.port = 81
    #expect(target.checkAddress == .v4(0x0a00_0001, port: 81))
    target.member.address = .v6(high: 1, low: 2, scope: 3, port: 80)
    #expect(target.checkAddress == .v6(high: 1, low: 2, scope: 3, port: 81))
    target.member.address = .unix("/run/app.sock")
    #expect(target.checkAddress == .unix("/run/app.sock"))
  }

  // MARK: Statuses

  @Test(arguments: [(199, false), (200, true), (399, true), (400, false), (500, false)])
  func `by default statuses from 200 to 399 pass`(status: Int, passes: Bool) async throws {
    let result = try await check("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n\(Self.ok)")
    // 199 is an interim response, so that the 200 behind it counts.
    #expect(result.failure == (passes || status == 199 ? nil : .status(status)))
  }

  @Test func `the expected statuses may be given`() async throws {
    var strict = HTTPCheck()
    strict.expectedStatus = [204...204, 404...410]
    let found = try await check("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", strict)
    #expect(found.failure == nil)
    #expect(try await check(Self.ok, strict).failure == .status(200))
  }

  @Test(arguments: [8, 9]) func `up to eight interim responses are read over`(count: Int)
    async throws
  {
    let interims = String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: count)
    let result = try await check(interims + Self.ok)
    #expect(result.failure == (count == 8 ? nil : .malformed))
  }

  // MARK: Bodies

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nI am ready.",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nI am r\r\n5;x=y\r\neady.\r\n0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nI am ready.",
  ])
  func `a pattern is searched in the body, however it is framed`(answer: String) async throws {
    #expect(try await check(answer, pattern("m read.\\.$")).failure == nil)
    #expect(try await check(answer, pattern("^ready")).failure == .noMatch)
  }

  @Test(arguments: [65_535, 65_536]) func `the first 64 KiB of a body are searched`(count: Int)
    async throws
  {
    let body = String(repeating: "x", count: count) + "yz"
    let passes = count < 65_536
    let length = "HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n\(body)"
    #expect(try await check(length, pattern("y")).failure == (passes ? nil : .noMatch))
    let size = String(body.count, radix: 16)
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(size)\r\n\(body)\r\n"
    #expect(try await check(chunked, pattern("y")).failure == (passes ? nil : .noMatch))
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nready",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nready\r\n",
  ])
  func `a body that is cut short fails`(answer: String) async throws {
    #expect(try await check(answer, pattern("ready")).failure == .closedEarly)
  }

  @Test func `a search without an end fails`() async throws {
    let body = String(repeating: "a", count: 60_000)
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n\(body)"
    let result = try await check(answer, pattern("(.*)\\1[bc]"))
    #expect(result.failure == .patternTooCostly)
  }

  // MARK: Failures

  @Test(arguments: [
    ("", CheckFailure.closedEarly), ("HTTP/1.1 200 OK\r\nX", .closedEarly),
    ("SSH-2.0-OpenSSH_9.2\r\n", .malformed),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", .malformed),
  ])
  func `what is no whole response fails`(answer: String, failure: CheckFailure) async throws {
    #expect(try await check(answer, pattern("ready")).failure == failure)
  }

  @Test func `a server that says nothing fails at the deadline`() async throws {
    let result = try await check(nil, patience: 100)
    #expect(result.failure == .timedOut)
  }

  @Test func `a port that refuses fails, and says so`() async throws {
    let failure: CheckFailure? = try await onLoop { worker in
      let socket = try Sockets.listen(at: TinyServer.loopback, backlog: 1)
      let address = try #require(Sockets.localAddress(of: socket.number))
      _ = consume socket
      do throws(CheckFailure) {
        try await HealthCheck.run(
          Self.target(address, .tcp), on: worker.reactor, BufferPool(), until: worker.patience)
        return nil
      } catch {
        return error
      }
    }
    #expect(failure?.description == "connection refused")
  }

  @Test func `a TCP check is content with a connection`() async throws {
    try await onLoop { worker in
      let server = try TinyServer(nil, on: worker)
      defer { server.stop() }
      try await HealthCheck.run(
        Self.target(server.address, .tcp), on: worker.reactor, BufferPool(),
        until: worker.patience)
      #expect(server.requests.isEmpty)
    }
  }

  @Test(arguments: [
    (CheckFailure.timedOut, "timed out"), (.status(500), "status 500"),
    (.noMatch, "the body does not match"),
  ])
  func `failures have words for the log`(failure: CheckFailure, words: String) {
    #expect(failure.description == words)
  }
}
