// What the follower makes of the DNS: which servers an upstream has, and when it says so.
import Configuration
import IO
import Proxy
import Supervision
import TestSupport
import Testing

/// What a follower has reported.
private final class Reports {
  var list: [(upstream: String, members: [Member])] = []

  /// The addresses of the last report.
  var last: [String] { list.last?.members.map(\.address.description) ?? [] }
}

@Suite(.timeLimit(.minutes(1))) struct NameFollowerTests {
  /// Answers are too old at once.
  private static var impatient: Resolver.Limits {
    var limits = Resolver.Limits()
    limits.ttl = 0...0
    return limits
  }

  private static func upstream(
    _ servers: String..., name: String = "app", weight: Int = 1
  ) throws -> UpstreamConfiguration {
    UpstreamConfiguration(
      name: name,
      servers: try servers.map {
        ServerConfiguration(address: try ServerAddress($0), weight: weight)
      })
  }

  private static func follower(
    on worker: isolated LoopActor, _ reports: Reports, asking servers: String,
    _ limits: Resolver.Limits = impatient
  ) throws -> NameFollower {
    try NameFollower(on: worker.reactor, loop: worker.loop, servers: servers, limits: limits) {
      reports.list.append(($0, $1))
    }
  }

  @Test func `all addresses of a name are servers, beside the numeric ones, in order`() async throws
  {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.2", "10.0.0.1", "fd00::1"], ttl: 60) })
    {
      let servers = $0.address
      try await onLoop { worker in
        let reports = Reports()
        let follower = try Self.follower(on: worker, reports, asking: servers)
        follower.update([try Self.upstream("10.9.9.9:1", "a.test:80", "unix:/b", weight: 7)])
        #expect(reports.list.isEmpty)
        #expect(try await worker.wait { reports.list.count == 1 })
        let members = try #require(reports.list.first).members
        #expect(
          members.map(\.name) == ["10.9.9.9:1"] + .init(repeating: "a.test:80", count: 3) + [
            "unix:/b"
          ])
        #expect(
          reports.last == [
            "10.9.9.9:1", "10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80", "unix:/b",
          ])
        #expect(members.allSatisfy { $0.weight == 7 && !$0.isBackup })
        follower.update([])
      }
    }
  }

  @Test func `an upstream without names is nobody's business`() async throws {
    try await onLoop { worker in
      let reports = Reports()
      let follower = try Self.follower(on: worker, reports, asking: "127.0.0.1:1")
      follower.update([try Self.upstream("10.9.9.9:1", "unix:/b")])
      await worker.reactor.yield()
      #expect(reports.list.isEmpty)
      #expect(follower.members(of: "app") == nil)
    }
  }

  @Test func `a change in the DNS is followed when the answer has run out`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      try await onLoop { worker in
        let reports = Reports()
        let follower = try Self.follower(on: worker, reports, asking: servers)
        follower.update([try Self.upstream("a.test:80")])
        #expect(try await worker.wait { server.count(of: "a.test") >= 3 })
        #expect(reports.list.count == 1)
        server.answer { _ in .addresses(["10.0.0.2", "10.0.0.3"], ttl: 60) }
        #expect(try await worker.wait { reports.list.count == 2 })
        #expect(reports.last == ["10.0.0.2:80", "10.0.0.3:80"])
        follower.update([])
      }
    }
  }

  @Test func `the same addresses in another order are no change`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1", "10.0.0.2"], ttl: 60) }) {
      server in
      let servers = server.address
      try await onLoop { worker in
        let reports = Reports()
        let follower = try Self.follower(on: worker, reports, asking: servers)
        follower.update([try Self.upstream("a.test:80")])
        #expect(try await worker.wait { reports.list.count == 1 })
        server.answer { _ in .addresses(["10.0.0.2", "10.0.0.1", "10.0.0.2"], ttl: 60) }
        let count = server.count(of: "a.test")
        #expect(try await worker.wait { server.count(of: "a.test") >= count + 3 })
        #expect(reports.list.count == 1)
        follower.update([])
      }
    }
  }

  @Test(arguments: ["failure", "noSuchName", "empty"])
  func `the last good answer is kept while there is no better one`(trouble: String) async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      try await onLoop { worker in
        let reports = Reports()
        let follower = try Self.follower(on: worker, reports, asking: servers)
        follower.update([try Self.upstream("a.test:80")])
        #expect(try await worker.wait { reports.list.count == 1 })
        server.answer { _ in
          switch trouble {
          case "failure": .failure
          case "noSuchName": .noSuchName
          default: .addresses([], ttl: 60)
          }
        }
        let count = server.count(of: "a.test")
        #expect(try await worker.wait { server.count(of: "a.test") >= count + 2 })
        #expect(reports.list.count == 1)
        #expect(follower.members(of: "app")?.count == 1)
        server.answer { _ in .addresses(["10.0.0.2"], ttl: 60) }
        #expect(try await worker.wait { reports.list.count == 2 })
        #expect(reports.last == ["10.0.0.2:80"])
        follower.update([])
      }
    }
  }

  @Test func `a name that is not there at first is found when it comes`() async throws {
    try await DNSServer.answering({ _ in .noSuchName }) { server in
      let servers = server.address
      try await onLoop { worker in
        let reports = Reports()
        let follower = try Self.follower(on: worker, reports, asking: servers)
        follower.update([try Self.upstream("a.test:80", "b.test:81")])
        #expect(try await worker.wait { reports.list.count == 1 })
        #expect(reports.last.isEmpty)
        server.answer { $0 == "b.test" ? .addresses(["10.0.0.1"], ttl: 60) : .noSuchName }
        #expect(try await worker.wait { reports.list.count == 2 })
        #expect(reports.last == ["10.0.0.1:81"])
        follower.update([])
      }
    }
  }

  @Test func `one question serves all ports and upstreams of a name`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      try await onLoop { worker in
        let reports = Reports()
        let follower = try Self.follower(
          on: worker, reports, asking: servers, Resolver.Limits())
        follower.update([
          try Self.upstream("a.test:80", "a.test:81", name: "one"),
          try Self.upstream("a.test:82", name: "two"),
        ])
        #expect(try await worker.wait { reports.list.count == 2 })
        #expect(reports.list.map(\.upstream).sorted() == ["one", "two"])
        #expect(follower.members(of: "one")?.map(\.address.port) == [80, 81])
        #expect(follower.members(of: "two")?.map(\.address.port) == [82])
        follower.update([])
      }
      #expect(server.count(of: "a.test") == 1)
    }
  }

  @Test func `a new configuration uses what is known, and reports what it changes`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      try await onLoop { worker in
        let reports = Reports()
        let follower = try Self.follower(
          on: worker, reports, asking: servers, Resolver.Limits())
        follower.update([try Self.upstream("a.test:80")])
        #expect(try await worker.wait { reports.list.count == 1 })
        follower.update([try Self.upstream("a.test:80")])
        #expect(reports.list.count == 1)
        follower.update([try Self.upstream("a.test:80", weight: 5)])
        #expect(reports.list.count == 2)
        #expect(follower.known["app"]?.map(\.weight) == [5])
        follower.update([try Self.upstream("a.test:80", name: "other")])
        #expect(reports.list.map(\.upstream) == ["app", "app", "other"])
        #expect(follower.members(of: "app") == nil)
        follower.update([])
      }
      #expect(server.count(of: "a.test") == 1)
    }
  }

  @Test func `an upstream without a known server is reported once, so that nobody waits for it`()
    async throws
  {
    try await DNSServer.answering({ _ in .noSuchName }) { server in
      let servers = server.address
      try await onLoop { worker in
        let reports = Reports()
        let follower = try Self.follower(on: worker, reports, asking: servers)
        follower.update([try Self.upstream("a.test:80", "b.test:81", "10.9.9.9:1")])
        #expect(try await worker.wait { server.count(of: "a.test") >= 2 })
        #expect(reports.list.count == 1)
        #expect(reports.last == ["10.9.9.9:1"])
        follower.update([])
      }
    }
  }

  @Test func `another DNS server is asked from the next question on`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { one in
      let first = one.address
      try await DNSServer.answering({ _ in .addresses(["10.0.0.2"], ttl: 60) }) { two in
        let second = two.address
        try await onLoop { worker in
          let reports = Reports()
          let follower = try Self.follower(on: worker, reports, asking: first)
          follower.update([try Self.upstream("a.test:80")])
          #expect(try await worker.wait { reports.last == ["10.0.0.1:80"] })
          follower.ask(second)
          #expect(try await worker.wait { reports.last == ["10.0.0.2:80"] })
          follower.update([])
        }
      }
    }
  }
}

/// Services: SRV gives ports, weights and priorities.
@Suite(.timeLimit(.minutes(1))) struct ServiceFollowerTests {
  private static func answers(
    _ services: [ServiceRecord], _ addresses: [String: [String]]
  ) -> @Sendable (String) -> DNSServer.Reply {
    { name in
      if name.hasPrefix("_") { return .services(services, ttl: 60) }
      return addresses[name].map { .addresses($0, ttl: 60) } ?? .noSuchName
    }
  }

  private static let upstream = UpstreamConfiguration(
    name: "app",
    servers: [ServerConfiguration(address: .service(name: "_http._tcp.test"), maxConnections: 9)])

  /// What is reported first, and what after the DNS has been changed.
  private func reports(
    _ first: @escaping @Sendable (String) -> DNSServer.Reply,
    then second: (@Sendable (String) -> DNSServer.Reply)? = nil
  ) async throws -> [[Member]] {
    try await DNSServer.answering(first) { server in
      let servers = server.address
      return try await onLoop { worker in
        let reports = Reports()
        var limits = Resolver.Limits()
        limits.ttl = 0...0
        let follower = try NameFollower(
          on: worker.reactor, loop: worker.loop, servers: servers, limits: limits
        ) { reports.list.append(($0, $1)) }
        follower.update([Self.upstream])
        #expect(try await worker.wait { reports.list.count == 1 })
        if let second {
          server.answer(by: second)
          #expect(try await worker.wait { reports.list.count == 2 })
        }
        follower.update([])
        return reports.list.map(\.members)
      }
    }
  }

  @Test func `servers have the ports and weights that SRV gives`() async throws {
    let list = try await reports(
      Self.answers(
        [
          ServiceRecord(host: "a.test", port: 8001, weight: 30),
          ServiceRecord(host: "b.test", port: 8002, weight: 0),
        ], ["a.test": ["10.0.0.1", "10.0.0.2"], "b.test": ["10.0.0.1"]]))
    let members = try #require(list.first)
    #expect(
      members.map(\.address.description) == ["10.0.0.1:8001", "10.0.0.1:8002", "10.0.0.2:8001"])
    #expect(members.map(\.weight) == [30, 1, 30])
    #expect(members.allSatisfy { $0.name == "srv:_http._tcp.test" && $0.maxConnections == 9 })
  }

  @Test func `weights above 256 are scaled down`() async throws {
    let list = try await reports(
      Self.answers(
        [
          ServiceRecord(host: "a.test", port: 1, weight: 1000),
          ServiceRecord(host: "a.test", port: 2, weight: 500),
          ServiceRecord(host: "a.test", port: 3, weight: 1),
        ], ["a.test": ["10.0.0.1"]]))
    #expect(list.first?.map(\.weight) == [256, 128, 1])
  }

  @Test func `what SRV prefers less is a backup`() async throws {
    let list = try await reports(
      Self.answers(
        [
          ServiceRecord(host: "a.test", port: 1, priority: 20),
          ServiceRecord(host: "a.test", port: 2, priority: 10),
          ServiceRecord(host: "a.test", port: 3, priority: 30),
        ], ["a.test": ["10.0.0.1"]]))
    #expect(list.first?.map(\.isBackup) == [true, false, true])
  }

  @Test func `a target without an address leaves the others be, and keeps what it had`()
    async throws
  {
    let services = [
      ServiceRecord(host: "a.test", port: 1), ServiceRecord(host: "b.test", port: 2),
    ]
    let both = Self.answers(services, ["a.test": ["10.0.0.1"], "b.test": ["10.0.0.2"]])
    let one = Self.answers(services, ["a.test": ["10.0.0.3"]])
    let list = try await reports(both, then: one)
    #expect(list.first?.map(\.address.description) == ["10.0.0.1:1", "10.0.0.2:2"])
    #expect(list.last?.map(\.address.description) == ["10.0.0.2:2", "10.0.0.3:1"])
    #expect(try await reports(one).first?.map(\.address.description) == ["10.0.0.3:1"])
  }
}
