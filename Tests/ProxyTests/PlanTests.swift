// The configuration as a worker uses it, and how its servers are reached.
import Configuration
import Glibc
import HTTP
import IO
import TestSupport
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(1))) struct PlanTests {
  private func plan(_ configuration: Configuration) -> Plan {
    quietPlan(configuration)
  }

  @Test func `the one route of the one site takes every request`() throws {
    var options = RouteOptions()
    options.retries = 7
    let plan = plan(configuration(.ip(host: "10.0.0.1", port: 81), options))
    let route = try #require(plan.route())
    #expect(route.options == options)
    #expect(route.upstream.name == "app")
    #expect(route.upstream.authority == "10.0.0.1:81")
    let isSame = plan.route() === route
    #expect(isSame)
  }

  @Test func `without a site or a route there is nowhere to go`() {
    var empty = configuration(.ip(host: "10.0.0.1", port: 81))
    empty.sites[0].routes = []
    let withoutRoute = plan(empty).route() == nil
    empty.sites = []
    let withoutSite = plan(empty).route() == nil
    #expect(withoutRoute && withoutSite)
  }

  @Test func `workers share no part of a plan`() {
    let configuration = configuration(.ip(host: "10.0.0.1", port: 81))
    let (one, other) = (plan(configuration), plan(configuration))
    let differ = one.route() !== other.route()
    let serversDiffer = one.route()?.upstream !== other.route()?.upstream
    #expect(differ && serversDiffer)
  }

  @Test func `the room that options need is counted`() throws {
    let server = ServerAddress.ip(host: "10.0.0.1", port: 81)
    let plain = try #require(plan(configuration(server)).route()).addedBytes
    var options = RouteOptions()
    options.via = "12345"
    options.host = .fixed("1234567")
    let more = try #require(plan(configuration(server, options)).route()).addedBytes
    #expect(more >= plain + 12)
  }

  @Test func `the answer says whose fault it is that there is no connection`() {
    for keepAlive in [true, false] {
      for (error, status) in [
        (ConnectError.noAddress, Status.serviceUnavailable),
        (.failed(SystemError(code: ECONNREFUSED)), .badGateway), (.timedOut, .gatewayTimeout),
      ] {
        let answer = error.answer(keepAlive: keepAlive)
        #expect(answer.status == status)
        #expect(answer.keepAlive == keepAlive)
      }
    }
  }

  /// Connects to a server as a request would; the error when that fails.
  private func connect(
    to server: ServerAddress, patience: Int = 10_000
  ) async throws -> ConnectFailure? {
    try await onLoop { worker in
      var options = RouteOptions()
      options.connectTimeoutMilliseconds = patience
      let context = UpstreamContext(worker.reactor, worker.loop, Commons())
      let configuration = configuration(server, options)
      let plan = Plan(configuration, PlanTables(configuration, nil), context)
      let route = try #require(plan.route())
      guard let member = route.upstream.servers.first else { return .noAddress }
      do throws(ConnectError) {
        let connection = try await route.upstream.connect(to: member, route.options)
        #expect(!connection.isReused)
        return nil
      } catch {
        switch error {
        case .failed(let error): return .failed(error.code)
        case .noAddress: return .noAddress
        case .timedOut: return .timedOut
        case .insecure:
          Issue.record("nobody has asked for TLS")
          return nil
        }
      }
    }
  }

  private enum ConnectFailure: Equatable { case failed(Int32), noAddress, timedOut }

  @Test func `a server that listens is connected to`() async throws {
    let listener = try Sockets.listen(at: .v4(0x7f00_0001, port: 0), backlog: 1, sharing: false)
    let port = try #require(Sockets.localAddress(of: listener.number)).port
    let failure = try await connect(to: .ip(host: "127.0.0.1", port: port))
    #expect(failure == nil)
  }

  @Test func `a server that refuses is told apart`() async throws {
    // A port that was free a moment ago; the socket keeps it from everyone else.
    let closed = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(closed) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    // SAFETY: bind reads the structure whose size is given.
    let result = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(closed, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0)
    let port = try #require(Sockets.localAddress(of: closed)).port
    let failure = try await connect(to: .ip(host: "127.0.0.1", port: port))
    #expect(failure == .failed(ECONNREFUSED))
  }

  @Test func `a Unix socket that is not there is no server`() async throws {
    let failure = try await connect(to: .unix(path: "/nonexistent/app.sock"))
    #expect(failure == .failed(ENOENT))
  }

  @Test func `a Unix path too long for the system is a failure and no trap`() async throws {
    let failure = try await connect(to: .unix(path: "/" + String(repeating: "x", count: 200)))
    #expect(failure == .failed(ENAMETOOLONG))
  }

  @Test func `an address that is none is no address`() async throws {
    let failure = try await connect(to: .ip(host: "not an address", port: 1))
    #expect(failure == .noAddress)
  }
}
