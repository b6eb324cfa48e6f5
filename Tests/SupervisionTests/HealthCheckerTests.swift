// What the checker makes of checks: who is watched, when a server falls and rises, and who is told.
import Balancing
import Configuration
import IO
import Proxy
import Supervision
import TestSupport
import Testing

/// What a checker has reported.
private final class Reports {
  var events: [String] = []
}

@Suite(.timeLimit(.minutes(1))) struct HealthCheckerTests {
  private static let good = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
  private static let bad = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"

  private static func target(
    _ address: SocketAddress, upstream: String = "app", interval: Int64 = 20, rise: Int = 2,
    fall: Int = 3
  ) -> CheckTarget {
    var options = HealthCheckOptions()
    options.policy.interval = interval
    options.policy.timeout = 5000
    options.policy.rise = rise
    options.policy.fall = fall
    let member = Member(name: address.description, address: address)
    return CheckTarget(upstream: upstream, member: member, options: options)
  }

  private static func checker(
    on worker: isolated LoopActor, _ reports: Reports, atOnce: Int = 8
  ) throws -> HealthChecker {
    try HealthChecker(on: worker.reactor, loop: worker.loop, atOnce: atOnce, seed: 1) {
      reports.events.append("\($0.upstream) \($1)")
    }
  }

  @Test func `a server falls after fall failures and rises after rise successes`() async throws {
    try await onLoop { worker in
      let server = try TinyServer(Self.good, on: worker)
      let reports = Reports()
      let checker = try Self.checker(on: worker, reports)
      let target = Self.target(server.address)
      let identity = target.member.identity
      checker.update([target])
      #expect(try await worker.wait { server.requests.count >= 2 })
      #expect(reports.events.isEmpty)
      #expect(checker.state(of: identity, in: "app")?.isPassing == true)

      server.answer = Self.bad
      let before = server.requests.count
      #expect(try await worker.wait { !reports.events.isEmpty })
      #expect(reports.events == ["app fell"])
      #expect(server.requests.count - before >= 3)
      #expect(checker.state(of: identity, in: "app")?.isPassing == false)
      #expect(checker.state(of: identity, in: "app")?.failure == .status(500))
      #expect(checker.failing == [target])

      server.answer = Self.good
      let fallen = server.requests.count
      #expect(try await worker.wait { reports.events.count == 2 })
      #expect(reports.events == ["app fell", "app rose"])
      #expect(server.requests.count - fallen >= 2)
      #expect(checker.state(of: identity, in: "app")?.failure == nil)
      #expect(checker.failing.isEmpty)
      checker.update([])
      server.stop()
    }
  }

  @Test func `a server that stays keeps its state, also under other options`() async throws {
    try await onLoop { worker in
      let server = try TinyServer(Self.bad, on: worker)
      let reports = Reports()
      let checker = try Self.checker(on: worker, reports)
      checker.update([Self.target(server.address, fall: 2)])
      #expect(try await worker.wait { reports.events == ["app fell"] })
      checker.update([Self.target(server.address, fall: 2)])
      #expect(checker.failing.count == 1)
      checker.update([Self.target(server.address, fall: 1)])
      #expect(checker.failing.count == 1)
      let checks = server.requests.count
      #expect(try await worker.wait { server.requests.count > checks + 2 })
      // It fell once.
      #expect(reports.events == ["app fell"])
      checker.update([])
      server.stop()
    }
  }

  @Test func `a server that is gone is checked no more, nor reported`() async throws {
    try await onLoop { worker in
      let silent = try TinyServer(nil, on: worker)
      let other = try TinyServer(Self.good, on: worker)
      let reports = Reports()
      let checker = try Self.checker(on: worker, reports)
      var target = Self.target(silent.address, fall: 1)
      // Longer than a loaded machine needs to get to the next step.
      target.options.policy.timeout = 3000
      checker.update([target])
      #expect(try await worker.wait { silent.requests.count == 1 })
      // Its check is under way, and will fail.
      #expect(checker.running == 1)
      checker.update([Self.target(other.address)])
      #expect(checker.state(of: target.member.identity, in: "app") == nil)
      #expect(try await worker.wait { other.requests.count >= 2 && silent.departures == 1 })
      #expect(reports.events.isEmpty)
      #expect(silent.requests.count == 1)
      checker.update([])
      silent.stop()
      other.stop()
    }
  }

  @Test func `a server of two upstreams is judged in each, one named twice once`() async throws {
    try await onLoop { worker in
      let server = try TinyServer(Self.bad, on: worker)
      let reports = Reports()
      let checker = try Self.checker(on: worker, reports)
      checker.update([
        Self.target(server.address, upstream: "a", fall: 1),
        Self.target(server.address, upstream: "a", fall: 1),
        Self.target(server.address, upstream: "b", fall: 1),
      ])
      #expect(try await worker.wait { reports.events.count == 2 })
      #expect(Set(reports.events) == ["a fell", "b fell"])
      checker.update([])
      server.stop()
    }
  }

  @Test func `no server is checked before its pause is over`() async throws {
    try await onLoop { worker in
      let server = try TinyServer(Self.good, on: worker)
      let checker = try Self.checker(on: worker, Reports())
      // With this seed the first pause is not within the first minutes of the hour.
      let target = Self.target(server.address, interval: 3_600_000)
      checker.update([target])
      #expect(checker.running == 0)
      #expect(checker.state(of: target.member.identity, in: "app")?.checks == 0)
      // A new interval counts at once.
      checker.update([Self.target(server.address)])
      #expect(try await worker.wait { server.requests.count >= 2 })
      checker.update([])
      server.stop()
    }
  }

  @Test func `thousands of servers are no more than a few tasks at a time`() async throws {
    try await onLoop { worker in
      let server = try TinyServer(nil, on: worker)
      let checker = try Self.checker(on: worker, Reports(), atOnce: 4)
      let targets = (0..<5000).map {
        Self.target(server.address, upstream: "app\($0)", interval: 10)
      }
      checker.update(targets)
      #expect(try await worker.wait { server.requests.count == 4 })
      #expect(checker.running == 4)
      #expect(server.connections == 4)
      checker.update([])
      server.stop()
    }
  }
}
