// Connections that are kept between requests: which is lent, how many there are, and which are
// never lent again (behaviour 9).
import Bytes
import Configuration
import Glibc
import IO
import TestSupport
import Testing

@testable import Proxy

/// A connection to a server, and the server's end of it.
private final class Kept {
  let connection: ServerConnection<TCPStream>
  private(set) var far: Int32

  init(on reactor: Reactor, begunWith preamble: [UInt8] = []) throws {
    let pair = try DescriptorPair().release()
    far = pair.far
    connection = ServerConnection(
      try TCPStream(Descriptor(adopting: pair.near), on: reactor), begunWith: preamble)
  }

  /// The server closes.
  func closeFar() {
    if far >= 0 { close(far) }
    far = -1
  }

  deinit { closeFar() }
}

extension LoopActor {
  fileprivate func pool(
    _ change: (inout UpstreamOptions) -> Void = { _ in }
  ) -> ServerPool<TCPStream> {
    var options = UpstreamOptions()
    change(&options)
    return ServerPool(options, with: PoolKeeper(on: reactor))
  }

  fileprivate func kept() throws -> Kept { try Kept(on: reactor) }

  /// Turns the loop until `condition` holds; false when it never does.
  fileprivate func turn(until condition: () -> Bool) async -> Bool {
    let deadline = patience
    while !condition() {
      if reactor.now >= deadline { return false }
      await reactor.yield()
    }
    return true
  }
}

/// The pool lends just this connection next. (A failing `#expect` would print the connection field
/// by field, which a move-only stream does not survive.)
private func expect(
  _ pool: ServerPool<TCPStream>, lends expected: ServerConnection<TCPStream>?,
  _ location: SourceLocation = #_sourceLocation
) {
  let isLent = pool.takeIdle() === expected
  #expect(isLent, sourceLocation: location)
}

@Suite(.timeLimit(.minutes(1))) struct ServerPoolTests {
  @Test func `the connection used last is lent first`() async throws {
    try await onLoop { worker in
      let pool = worker.pool()
      let all = [try worker.kept(), try worker.kept(), try worker.kept()]
      expect(pool, lends: nil)
      for kept in all { pool.giveBack(kept.connection, keptFor: nil) }
      #expect(pool.idleCount == 3)
      for kept in all.reversed() {
        expect(pool, lends: kept.connection)
        let isReused = kept.connection.isReused
        #expect(isReused)
      }
      expect(pool, lends: nil)
    }
  }

  @Test func `a connection that speaks for a client is lent for that client alone`() async throws {
    try await onLoop { worker in
      let pool = worker.pool { $0.proxyProtocol = .v1 }
      let one = try Kept(on: worker.reactor, begunWith: [1])
      let other = try Kept(on: worker.reactor, begunWith: [2])
      pool.giveBack(one.connection, keptFor: nil)
      pool.giveBack(other.connection, keptFor: nil)
      let forNobody = pool.takeIdle(begunWith: [3]) == nil
      let forOne = pool.takeIdle(begunWith: [1]) === one.connection
      let again = pool.takeIdle(begunWith: [1]) == nil
      #expect(forNobody && forOne && again)
      #expect(pool.idleCount == 1)
    }
  }

  @Test func `how connections begin may change, and no older one is kept or lent`() async throws {
    try await onLoop { worker in
      let pool = worker.pool()
      pool.giveBack(try worker.kept().connection, keptFor: nil)
      var options = UpstreamOptions()
      options.proxyProtocol = .v2
      pool.adopt(options)
      #expect(pool.idleCount == 0)
      pool.giveBack(try worker.kept().connection, keptFor: nil)
      #expect(pool.idleCount == 0)
    }
  }

  @Test func `a pool keeps as many as it may and gives up the oldest`() async throws {
    try await onLoop { worker in
      let pool = worker.pool { $0.maxIdle = 2 }
      let all = [try worker.kept(), try worker.kept(), try worker.kept()]
      pool.giveBack(all[0].connection, keptFor: nil)
      pool.giveBack(all[1].connection, keptFor: nil)
      #expect(pool.idleCount == 2)
      pool.giveBack(all[2].connection, keptFor: nil)
      #expect(pool.idleCount == 2)
      expect(pool, lends: all[2].connection)
      expect(pool, lends: all[1].connection)
      expect(pool, lends: nil)
    }
  }

  @Test func `a pool of none keeps none`() async throws {
    try await onLoop { worker in
      let pool = worker.pool { $0.maxIdle = 0 }
      #expect(!pool.keepsConnections)
      pool.giveBack(try worker.kept().connection, keptFor: nil)
      #expect(pool.idleCount == 0)
      let keepsOne = worker.pool { $0.maxIdle = 1 }.keepsConnections
      #expect(keepsOne)
    }
  }

  @Test func `a connection is not lent once its time is over`() async throws {
    try await onLoop { worker in
      let fresh = worker.pool { $0.idleTimeoutMilliseconds = 60_000 }
      let kept = try worker.kept()
      fresh.giveBack(kept.connection, keptFor: nil)
      expect(fresh, lends: kept.connection)
      let old = worker.pool { $0.idleTimeoutMilliseconds = 0 }
      old.giveBack(kept.connection, keptFor: nil)
      expect(old, lends: nil)
    }
  }

  @Test func `the server's own patience less a second bounds how long it is kept`() async throws {
    try await onLoop { worker in
      let pool = worker.pool()
      let kept = try worker.kept()
      for (seconds, expected) in [
        (UInt32?.none, Int64(30_000)), (3, 2000), (31, 30_000), (30, 29_000), (1, 0), (0, 0),
        (.max, 30_000),
      ] {
        pool.giveBack(kept.connection, keptFor: seconds)
        let expiry = kept.connection.expiry
        #expect(expiry == worker.reactor.now.advanced(by: expected))
        expect(pool, lends: expected > 0 ? kept.connection : nil)
      }
    }
  }

  @Test func `an idle connection is closed when its time is over`() async throws {
    try await onLoop { worker in
      let pool = worker.pool { $0.idleTimeoutMilliseconds = 1 }
      var kept: Kept? = try worker.kept()
      let far = dup(kept?.far ?? -1)
      pool.giveBack(try #require(kept?.connection), keptFor: nil)
      kept = nil
      #expect(await worker.turn { pool.idleCount == 0 })
      // On a busy machine the kernel brings the end a little later.
      var waiting = pollfd(fd: far, events: Int16(POLLIN), revents: 0)
      // SAFETY: poll reads and writes the one structure.
      _ = unsafe poll(&waiting, 1, 20_000)
      var byte: UInt8 = 0
      // SAFETY: recv writes at most one byte into `byte`.
      let n = unsafe recv(far, &byte, 1, 0)
      #expect(n == 0, "the server sees the end")
      close(far)
    }
  }

  @Test func `a connection that its server closes while it is idle is given up`() async throws {
    try await onLoop { worker in
      let pool = worker.pool()
      let (live, dead) = (try worker.kept(), try worker.kept())
      pool.giveBack(live.connection, keptFor: nil)
      pool.giveBack(dead.connection, keptFor: nil)
      dead.closeFar()
      #expect(await worker.turn { pool.idleCount == 1 })
      expect(pool, lends: live.connection)
    }
  }

  @Test func `a connection on which something came while it was idle is given up`() async throws {
    try await onLoop { worker in
      let pool = worker.pool()
      let noisy = try worker.kept()
      pool.giveBack(noisy.connection, keptFor: nil)
      send("HTTP/1.1 408 Request Timeout\r\n\r\n", to: noisy.far)
      #expect(await worker.turn { pool.idleCount == 0 })
      expect(pool, lends: nil)
    }
  }

  @Test func `a connection with bytes that are not read yet is not kept`() async throws {
    try await onLoop { worker in
      let pool = worker.pool()
      let noisy = try worker.kept()
      send("x", to: noisy.far)
      #expect(await worker.turn { noisy.connection.stream.mayRead })
      pool.giveBack(noisy.connection, keptFor: nil)
      #expect(pool.idleCount == 0)
    }
  }

  @Test func `a connection that has ended is not kept`() async throws {
    try await onLoop { worker in
      let pool = worker.pool()
      let dead = try worker.kept()
      dead.closeFar()
      #expect(await worker.turn { dead.connection.stream.isHungUp })
      pool.giveBack(dead.connection, keptFor: nil)
      #expect(pool.idleCount == 0)
    }
  }

  @Test func `a connection whose response was read to its exact end is lent again`() async throws {
    try await onLoop { worker in
      let pool = worker.pool()
      let kept = try worker.kept()
      send("hello", to: kept.far)
      #expect(await worker.turn { kept.connection.stream.mayRead })
      var buffer = BufferPool().borrow(.small)
      // A read of just what was wanted cannot tell that the socket is empty now.
      let read = kept.connection.stream.read(into: &buffer, limit: 5)
      #expect(read == .moved(5))
      pool.giveBack(kept.connection, keptFor: nil)
      #expect(pool.idleCount == 1)
      expect(pool, lends: kept.connection)
    }
  }

  @Test func `a connection that is taken wakes nobody any more`() async throws {
    try await onLoop { worker in
      let pool = worker.pool()
      let (first, second) = (try worker.kept(), try worker.kept())
      pool.giveBack(first.connection, keptFor: nil)
      pool.giveBack(second.connection, keptFor: nil)
      expect(pool, lends: second.connection)
      send("x", to: second.far)
      #expect(await worker.turn { second.connection.stream.mayRead })
      #expect(pool.idleCount == 1)
    }
  }
}
