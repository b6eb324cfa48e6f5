// The resolver when the DNS says no, fails, or says nothing.
import IO
import TestSupport
import Testing

@Suite struct ResolverFailureTests {
  private let one = SocketAddress.v4(0x0a00_0001, port: 80)
  private let two = SocketAddress.v4(0x0a00_0002, port: 80)

  /// Answers are too old at once, and an answer that does not come is not waited for long.
  private var impatient: Resolver.Limits {
    var limits = Resolver.Limits()
    limits.ttl = 0...0
    limits.refreshPatience = 1
    return limits
  }

  @Test func `a name that does not exist is not found, and not asked for again for a while`()
    async throws
  {
    try await DNSServer.answering({ _ in .noSuchName }) { server in
      let servers = server.address
      try await onLoop { worker in
        let resolver = Resolver(on: worker.reactor, servers: servers)
        for _ in 0..<2 {
          await #expect(throws: ResolveError.notFound) {
            try await resolver.addresses(of: "no.test", port: 80, until: worker.patience)
          }
        }
      }
      #expect(server.count(of: "no.test") == 1)
    }
  }

  @Test func `a name without an address is not found`() async throws {
    try await DNSServer.answering({ _ in .addresses([], ttl: 60) }) { server in
      let servers = server.address
      await #expect(throws: ResolveError.notFound) {
        try await onLoop { worker in
          let resolver = Resolver(on: worker.reactor, servers: servers)
          _ = try await resolver.addresses(of: "empty.test", port: 80, until: worker.patience)
        }
      }
    }
  }

  @Test func `a silent name beside one that is answered is waited for without turning`()
    async throws
  {
    try await DNSServer.answering({ name in
      name == "silent.test" ? .silence : .addresses(["10.0.0.1"], ttl: 60)
    }) { server in
      let servers = server.address
      try await onLoop { worker in
        var limits = Resolver.Limits()
        limits.attempts = 1
        let resolver = Resolver(on: worker.reactor, servers: servers, limits: limits)
        let silent = Task.immediate {
          _ = worker
          await #expect(throws: ResolveError.timedOut) {
            try await resolver.addresses(of: "silent.test", port: 80, until: worker.patience)
          }
        }
        // Its answer wakes the resolver, which goes on waiting for the other.
        let found = try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        #expect(found == [one])
        await silent.value
      }
    }
  }

  @Test func `a name that does not exist is asked for again after the pause`() async throws {
    try await DNSServer.answering({ _ in .noSuchName }) { server in
      let servers = server.address
      let found = try await onLoop { worker in
        var limits = Resolver.Limits()
        limits.notFoundPause = 0
        let resolver = Resolver(on: worker.reactor, servers: servers, limits: limits)
        await #expect(throws: ResolveError.notFound) {
          try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        }
        server.answer { _ in .addresses(["10.0.0.1"], ttl: 60) }
        return try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
      }
      #expect(found == [one])
    }
  }

  @Test func `a server that fails is told from a name that is not there`() async throws {
    try await DNSServer.answering({ _ in .failure }) { server in
      let servers = server.address
      await #expect(throws: ResolveError.serverFailed) {
        try await onLoop { worker in
          let resolver = Resolver(on: worker.reactor, servers: servers)
          _ = try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        }
      }
    }
  }

  @Test func `a silent server is waited for until the deadline`() async throws {
    try await DNSServer.answering({ _ in .silence }) { server in
      let servers = server.address
      try await onLoop { worker in
        let resolver = Resolver(on: worker.reactor, servers: servers)
        let deadline = worker.soon(10)
        await #expect(throws: ResolveError.timedOut) {
          try await resolver.addresses(of: "a.test", port: 80, until: deadline)
        }
        #expect(worker.reactor.now >= deadline)
      }
    }
  }

  @Test func `a silent server is given up without a deadline, too`() async throws {
    try await DNSServer.answering({ _ in .silence }) { server in
      let servers = server.address
      await #expect(throws: ResolveError.timedOut) {
        try await onLoop { worker in
          var limits = Resolver.Limits()
          limits.attempts = 1
          limits.attemptTime = 1
          let resolver = Resolver(on: worker.reactor, servers: servers, limits: limits)
          _ = try await resolver.addresses(of: "a.test", port: 80, until: .never)
        }
      }
    }
  }

  @Test func `servers that make no sense fail the look-up, not the program`() async throws {
    try await onLoop { worker in
      let resolver = Resolver(on: worker.reactor, servers: "not an address")
      await #expect(throws: ResolveError.serverFailed) {
        try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
      }
    }
  }

  @Test func `an answer that is too old is replaced by a new one`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      try await onLoop { worker in
        var limits = impatient
        limits.refreshPatience = 20_000
        let resolver = Resolver(on: worker.reactor, servers: servers, limits: limits)
        let before = try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        #expect(before == [one])
        server.answer { _ in .addresses(["10.0.0.2"], ttl: 60) }
        let after = try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        #expect(after == [two])
      }
    }
  }

  @Test func `the last good answer serves while the server fails`() async throws {
    try await expectLastGood(during: .failure)
  }

  @Test func `the last good answer serves while the server is silent`() async throws {
    try await expectLastGood(during: .silence)
  }

  private func expectLastGood(during trouble: DNSServer.Reply) async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      try await onLoop { worker in
        let resolver = Resolver(on: worker.reactor, servers: servers, limits: impatient)
        _ = try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        server.answer { _ in trouble }
        let stale = try await resolver.addresses(of: "a.test", port: 80, until: .never)
        #expect(stale == [one])
        // Until the pause is over, nobody else waits.
        #expect(resolver.cached("a.test", port: 80, at: worker.reactor.now) == stale)
        #expect(resolver.cached("a.test", port: 80, at: worker.soon(1000)) == nil)
      }
    }
  }

  @Test func `a name that has gone takes its last good answer along`() async throws {
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      try await onLoop { worker in
        var limits = impatient
        limits.refreshPatience = 20_000
        let resolver = Resolver(on: worker.reactor, servers: servers, limits: limits)
        _ = try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        server.answer { _ in .noSuchName }
        await #expect(throws: ResolveError.notFound) {
          try await resolver.addresses(of: "a.test", port: 80, until: worker.patience)
        }
      }
    }
  }

  @Test func `a resolver may end while a query runs`() async throws {
    try await DNSServer.answering({ _ in .silence }) { server in
      let servers = server.address
      try await onLoop { worker in
        for _ in 0..<2 {
          let resolver = Resolver(on: worker.reactor, servers: servers)
          await #expect(throws: ResolveError.timedOut) {
            try await resolver.addresses(of: "a.test", port: 80, until: worker.soon(1))
          }
        }
      }
    }
  }

  @Test func `a name of 253 bytes is asked for, a longer one or a broken one is not`()
    async throws
  {
    let label = String(repeating: "a", count: 49) + "."
    let longest = String(repeating: label, count: 5) + "tes"
    try await DNSServer.answering({ _ in .addresses(["10.0.0.1"], ttl: 60) }) { server in
      let servers = server.address
      try await onLoop { worker in
        let resolver = Resolver(on: worker.reactor, servers: servers)
        for host in [longest, longest + "."] {
          _ = try await resolver.addresses(of: host, port: 80, until: worker.patience)
        }
        for host in [longest + "t", longest + "t.", "a\0.test", "a..test", ""] {
          await #expect(throws: ResolveError.notFound, "\(host)") {
            try await resolver.addresses(of: host, port: 80, until: worker.patience)
          }
        }
      }
    }
  }

  @Test func `a full cache forgets the name nearest its end`() async throws {
    let script: @Sendable (String) -> DNSServer.Reply = { name in
      .addresses(["10.0.0.1"], ttl: name == "old.test" ? 6 : 60)
    }
    try await DNSServer.answering(script) { server in
      let servers = server.address
      try await onLoop { worker in
        var limits = Resolver.Limits()
        limits.names = 2
        let resolver = Resolver(on: worker.reactor, servers: servers, limits: limits)
        for host in ["old.test", "a.test"] {
          _ = try await resolver.addresses(of: host, port: 80, until: worker.patience)
        }
        #expect(resolver.cached("old.test", port: 80, at: worker.reactor.now) == [one])
        _ = try await resolver.addresses(of: "b.test", port: 80, until: worker.patience)
        #expect(resolver.cached("old.test", port: 80, at: worker.reactor.now) == nil)
        #expect(resolver.cached("a.test", port: 80, at: worker.reactor.now) == [one])
        #expect(resolver.cached("b.test", port: 80, at: worker.reactor.now) == [one])
      }
    }
  }

  @Test func `when every name the cache may hold is being asked for, another is refused`()
    async throws
  {
    try await DNSServer.answering({ _ in .silence }) { server in
      let servers = server.address
      try await onLoop { worker in
        var limits = Resolver.Limits()
        limits.names = 1
        let resolver = Resolver(on: worker.reactor, servers: servers, limits: limits)
        await #expect(throws: ResolveError.timedOut) {
          try await resolver.addresses(of: "a.test", port: 80, until: worker.soon(1))
        }
        await #expect(throws: ResolveError.tooManyNames) {
          try await resolver.addresses(of: "b.test", port: 80, until: worker.soon(1))
        }
      }
    }
  }
}
