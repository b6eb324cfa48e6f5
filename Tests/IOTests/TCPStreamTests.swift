// Streams over real sockets: what moved, what was blocked, how the other side's end is seen.
import Bytes
import Glibc
import IO
import Testing

extension TCPStream {
  /// Reads until so many bytes are there, or the stream ends or fails.
  mutating func receive(_ count: Int, into buffer: inout ByteBuffer, on worker: isolated LoopActor)
    async -> Transfer
  {
    while buffer.count < count {
      switch read(into: &buffer, limit: count - buffer.count) {
      case .moved: break
      case .blocked:
        guard await worker.reactor.wait(for: readInterest, until: worker.patience) == .ready else {
          return .blocked
        }
      case .ended: return .ended
      case .failed(let error): return .failed(error)
      }
    }
    return .moved(count)
  }
}

@Suite(.timeLimit(.minutes(1))) struct TCPStreamTests {
  @Test func `nothing is read before something came`() async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      var buffer = BufferPool().borrow(.small)
      await worker.reactor.yield()
      let mayRead = pair.near.mayRead
      #expect(!mayRead)
      let outcome = pair.near.read(into: &buffer, limit: 10)
      #expect(outcome == .blocked)
    }
  }

  @Test func `a read takes what was asked for, the rest stays; a short one waits for more`()
    async throws
  {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      var buffer = BufferPool().borrow(.small)
      send("abcde", to: pair.far.fd)
      await worker.reactor.yield()
      let first = pair.near.read(into: &buffer, limit: 3)
      #expect(first == .moved(3))
      #expect(pair.near.mayRead == true)
      let second = pair.near.read(into: &buffer, limit: 3)
      #expect(second == .moved(2))
      #expect(pair.near.mayRead == false)
      #expect(text(buffer) == "abcde")
      send("f", to: pair.far.fd)
      let third = await pair.near.receive(6, into: &buffer, on: worker)
      #expect(third == .moved(6))
      #expect(text(buffer) == "abcdef")
    }
  }

  @Test func `the end comes after the last byte, and stays`() async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      var buffer = BufferPool().borrow(.small)
      send("abc", to: pair.far.fd)
      pair.far.finishWriting()
      let hangup = pair.near.hangupInterest
      #expect(await worker.reactor.wait(for: hangup, until: worker.patience) == .ready)
      #expect(pair.near.isHungUp == true)
      let first = pair.near.read(into: &buffer, limit: 100)
      #expect(first == .moved(3))
      for _ in 0..<2 {
        let end = pair.near.read(into: &buffer, limit: 100)
        #expect(end == .ended)
      }
      // The other direction is open still.
      var answer = BufferPool().borrow(.small)
      answer.append("answer")
      let written = pair.near.write(from: &answer, more: false)
      #expect(written == .moved(6))
      var received = BufferPool().borrow(.small)
      let outcome = await pair.far.receive(6, into: &received, on: worker)
      #expect(outcome == .moved(6))
    }
  }

  @Test func `a reset fails the read and the write, without a signal`() async throws {
    try await onLoop { worker in
      let ends = try StreamPair(on: worker.reactor).release()
      var near = TCPStream(registered: ends.near, on: worker.reactor)
      closeWithReset(ends.far)
      _ = TCPStream(registered: ends.far, on: worker.reactor)
      let hangup = near.hangupInterest
      #expect(await worker.reactor.wait(for: hangup, until: worker.patience) == .ready)
      #expect(near.isHungUp == true)
      var buffer = BufferPool().borrow(.small)
      let read = near.read(into: &buffer, limit: 1)
      #expect(read == .failed(SystemError(code: ECONNRESET)))
      buffer.append("x")
      let written = near.write(from: &buffer, more: false)
      #expect(written == .failed(SystemError(code: EPIPE)))
      #expect(text(buffer) == "x")
    }
  }

  @Test func `a buffer without room is an error, not an end`() async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      send("x", to: pair.far.fd)
      await worker.reactor.yield()
      var buffer = BufferPool().borrow(.small)
      buffer.reset(headroom: 16384)
      let outcome = pair.near.read(into: &buffer, limit: 1)
      #expect(outcome == .failed(SystemError(code: ENOBUFS)))
    }
  }

  @Test func `a fast writer is blocked by a slow reader, and every byte arrives in order`()
    async throws
  {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      let pool = BufferPool()
      var out = pool.borrow(.large)
      var into = pool.borrow(.large)
      var sent: UInt64 = 0
      var seen: UInt64 = 0
      var blocked = 0
      var wrong = 0
      // 8 MB, more than the kernel holds between the two (tcp_wmem, tcp_rmem).
      let total: UInt64 = 1_000_000
      while seen < total {
        while sent < total || out.count > 0 {
          while sent < total, out.tailroom >= 8 {
            out.append(bytes(of: sent).span)
            sent += 1
          }
          let outcome = pair.near.write(from: &out, more: sent < total)
          if outcome == .blocked { break }
          out.compact()
        }
        if sent < total { blocked += 1 }
        while case .moved = pair.far.read(into: &into, limit: .max) {
          while into.count >= 8 {
            if number(into) != seen { wrong += 1 }
            into.consume(8)
            seen += 1
          }
          into.compact()
        }
        if seen == total { break }
        var interests = Interests(pair.far.readInterest)
        if out.count > 0 { interests.insert(pair.near.writeInterest) }
        let wake = await worker.reactor.wait(for: interests, until: worker.patience)
        try #require(wake == .ready)
      }
      #expect(wrong == 0)
      #expect(blocked > 0)
      #expect(into.count == 0)
    }
  }

  @Test func `a refused connect is told when the socket is writable`() async throws {
    try await onLoop { worker in
      let closed = try Sockets.listen(at: .v4(0x7f00_0001, port: 0), backlog: 1)
      let address = try #require(Sockets.localAddress(of: closed.number))
      _ = consume closed
      let stream = try TCPStream(try Sockets.connect(to: address), on: worker.reactor)
      let write = stream.writeInterest
      #expect(await worker.reactor.wait(for: write, until: worker.patience) == .ready)
      #expect(stream.connectError() == SystemError(code: ECONNREFUSED))
    }
  }

  @Test func `a connect that stands has no error`() async throws {
    try await onLoop { worker in
      let pair = try StreamPair(on: worker.reactor)
      let write = pair.near.writeInterest
      #expect(await worker.reactor.wait(for: write, until: worker.patience) == .ready)
      #expect(pair.near.connectError() == nil)
    }
  }

  @Test func `unread bytes are seen without being read, an end is not one`() async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      #expect(pair.near.hasUnreadBytes() == false)
      send("a", to: pair.far.fd)
      #expect(pair.near.hasUnreadBytes() == true)
      await worker.reactor.yield()
      var buffer = BufferPool().borrow(.small)
      let outcome = pair.near.read(into: &buffer, limit: 10)
      #expect(outcome == .moved(1))
      pair.far.finishWriting()
      #expect(pair.near.hasUnreadBytes() == false)
    }
  }

  @Test func `a stream that was let go stays open and registered`() async throws {
    try await onLoop { worker in
      let ends = try StreamPair(on: worker.reactor).release()
      send("abc", to: ends.far)
      await worker.reactor.yield()
      var near = TCPStream(registered: ends.near, on: worker.reactor)
      var buffer = BufferPool().borrow(.small)
      let outcome = near.read(into: &buffer, limit: 10)
      #expect(outcome == .moved(3))
      _ = TCPStream(registered: ends.far, on: worker.reactor)
      let end = await near.receive(4, into: &buffer, on: worker)
      #expect(end == .ended)
    }
  }
}

private func bytes(of number: UInt64) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
}

private func number(_ buffer: borrowing ByteBuffer) -> UInt64 {
  // SAFETY: a UInt64 may have any value, and the span checks the offset.
  unsafe UInt64(littleEndian: buffer.bytes.unsafeLoadUnaligned(as: UInt64.self))
}
