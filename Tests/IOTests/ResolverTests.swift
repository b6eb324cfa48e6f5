// The resolver against a DNS server that plays along.
import IO
import TestSupport
import Testing

@Suite struct ResolverTests {
  private let one = SocketAddress.v4(0x0a00_0001, port: 80)
  private let two = SocketAddress.v4(0x0a00_0002, port: 80)

  @Test func `a name is resolved to its IPv4 and IPv6 addresses, with the port asked for`()
    async throws
  {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1", "fd00::1"], ttl: 60) }) { server in
      let servers = server.address
      let found = try await onLoop { worker in
        let resolver = Resolver(on: worker.reactor, servers: servers)
        return try await resolver.addresses(of: "a.test", port: 81, until: worker.patience)
      }
      let v6 = SocketAddress.v6(high: 0xfd00 << 48, low: 1, scope: 0, port: 81)
      #expect(Set(found) == [.v4(0x0a00_0001, port: 81), v6])
    }
  }

  @Test func `an answer is cached for its time to live, and no longer`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      try await expect(server, lasts: 60_000)
    }
  }

  @Test func `a time to live under five seconds counts as five`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 0) }) { server in
      try await expect(server, lasts: 5_000)
    }
  }

  @Test func `a time to live over five minutes counts as five`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 86_400) }) { server in
      try await expect(server, lasts: 300_000)
    }
  }

  private func expect(_ server: DNSServer, lasts milliseconds: Int64) async throws {
    let servers = server.address
    try await onLoop { worker in
      let resolver = Resolver(on: worker.reactor, servers: servers)
      let host = "a.test"
      #expect(resolver.cached(host, port: 80, at: worker.reactor.now) == nil)
      let before = worker.reactor.now
      let found = try await resolver.addresses(of: host, port: 80, until: worker.patience)
      #expect(found == [one])
      let last = worker.reactor.now.advanced(by: milliseconds)
      #expect(resolver.cached(host, port: 80, at: before.advanced(by: milliseconds - 1)) == found)
      #expect(resolver.cached(host, port: 80, at: last) == nil)
      #expect(resolver.cached(host, port: 81, at: before) == nil)
    }
  }

  @Test func `look-ups of one name at one time share one query`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      try await onLoop { worker in
        let resolver = Resolver(on: worker.reactor, servers: servers)
        let first = Task.immediate {
          try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        }
        let second = Task.immediate {
          try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        }
        let answers = try await [first.value, second.value]
        #expect(answers == [[one], [one]])
      }
      #expect(server.count(of: "a.test") == 1)
    }
  }

  @Test func `a name in numbers is its own answer`() async throws {
    try await onLoop { worker in
      let resolver = Resolver(on: worker.reactor, servers: "127.0.0.1:1")
      let v4 = try await resolver.addresses(of: "10.0.0.1", port: 80, until: worker.reactor.now)
      #expect(v4 == [one])
      let v6 = try await resolver.addresses(of: "::1", port: 80, until: worker.reactor.now)
      #expect(v6 == [.v6(high: 0, low: 1, scope: 0, port: 80)])
    }
  }

  @Test(arguments: ["localhost", "app.localhost"])
  func `localhost needs no DNS server and no hosts file`(_ name: String) async throws {
    try await onLoop { worker in
      let resolver = Resolver(on: worker.reactor, servers: "127.0.0.1:1")
      let found = try await resolver.addresses(of: name, port: 80, until: worker.reactor.now)
      #expect(found == [.v4(0x7f00_0001, port: 80), .v6(high: 0, low: 1, scope: 0, port: 80)])
      #expect(resolver.cached(name, port: 80, at: worker.reactor.now) == found)
    }
  }

  @Test func `a truncated answer is asked for again by TCP, however slowly it comes`() async throws
  {
    try await DNSServer.answering({ _ in .byTCP(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      let found = try await onLoop { worker in
        let resolver = Resolver(on: worker.reactor, servers: servers)
        return try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
      }
      #expect(found == [one])
    }
  }

  @Test(arguments: [32, 33]) func `of one name's addresses the first 32 are kept`(count: Int)
    async throws
  {
    let list = (0..<count).map { "10.0.0.\($0)" }
    try await DNSServer.answering({ _ in .addresses(list, ttl: 60) }) { server in
      let servers = server.address
      let found = try await onLoop { worker in
        let resolver = Resolver(on: worker.reactor, servers: servers)
        return try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
      }
      #expect(found.count == 32)
    }
  }
}
