// Bytes that go from socket to socket through a pipe in the kernel.
import Bytes
import Glibc
import IO
import TestSupport
import Testing

extension TCPStream {
  fileprivate func end() throws -> SpliceEnd {
    let end = spliceSource
    return try #require(end)
  }
}

@Suite(.timeLimit(.minutes(1))) struct PipeTests {
  @Test func `what fills a pipe drains out of it`() async throws {
    try await onLoop { worker in
      var from = try StreamPair(on: worker.reactor)
      var to = try StreamPair(on: worker.reactor)
      var pipe = try Pipe()
      #expect(pipe.isEmpty == true)
      #expect(pipe.capacity >= 4096)
      await worker.reactor.yield()
      let source = try from.near.end()
      let sink = try to.near.end()
      let nothing = pipe.fill(from: source, limit: 100)
      #expect(nothing == .blocked)
      send("abcdef", to: from.far.fd)
      _ = await worker.reactor.wait(for: from.near.readInterest, until: worker.patience)
      let filled = pipe.fill(from: source, limit: 4)
      #expect(filled == .moved(4))
      #expect(pipe.count == 4)
      let drained = pipe.drain(to: sink, more: false)
      #expect(drained == .moved(4))
      #expect(pipe.isEmpty == true)
      let rest = pipe.fill(from: source, limit: 100)
      #expect(rest == .moved(2))
      let last = pipe.drain(to: sink, more: false)
      #expect(last == .moved(2))
      var buffer = BufferPool().borrow(.small)
      let received = await to.far.receive(6, into: &buffer, on: worker)
      #expect(received == .moved(6))
      #expect(text(buffer) == "abcdef")
      let blocked = pipe.fill(from: source, limit: 100)
      #expect(blocked == .blocked)
      #expect(from.near.mayRead == false)
      from.far.finishWriting()
      _ = await worker.reactor.wait(for: from.near.readInterest, until: worker.patience)
      let end = pipe.fill(from: source, limit: 100)
      #expect(end == .ended)
    }
  }

  @Test func `a pipe into a full socket is blocked until there is room`() async throws {
    try await onLoop { worker in
      var to = try StreamPair(on: worker.reactor)
      let from = try StreamPair(on: worker.reactor)
      let sink = try to.near.end()
      let source = try from.near.end()
      await worker.reactor.yield()
      let pool = BufferPool()
      var sent = 0
      while true {
        var block = pool.borrow(.large)
        block.append([UInt8](repeating: 1, count: 65536).span)
        guard case .moved(let n) = to.near.write(from: &block, more: false) else { break }
        sent += n
      }
      send("x", to: from.far.fd)
      _ = await worker.reactor.wait(for: from.near.readInterest, until: worker.patience)
      var pipe = try Pipe()
      let filled = pipe.fill(from: source, limit: 100)
      #expect(filled == .moved(1))
      // The last of the socket's room may be too small for a block, and large enough for a byte.
      var drained = pipe.drain(to: sink, more: false)
      while drained == .moved(1) {
        sent += 1
        send("x", to: from.far.fd)
        _ = await worker.reactor.wait(for: from.near.readInterest, until: worker.patience)
        _ = pipe.fill(from: source, limit: 100)
        drained = pipe.drain(to: sink, more: false)
      }
      #expect(drained == .blocked)
      #expect(pipe.count == 1)
      #expect(worker.reactor.isReady(to.near.fd, for: .write) == false)
      while sent > 0 {
        var block = pool.borrow(.large)
        guard case .moved = await to.far.receive(min(sent, 65536), into: &block, on: worker) else {
          Issue.record("the bytes did not arrive")
          return
        }
        sent -= block.count
      }
      let write = to.near.writeInterest
      #expect(await worker.reactor.wait(for: write, until: worker.patience) == .ready)
      let last = pipe.drain(to: sink, more: false)
      #expect(last == .moved(1))
    }
  }

  @Test func `a pipe to or from a reset connection fails`() async throws {
    // As rsp does: splice knows no MSG_NOSIGNAL.
    signal(SIGPIPE, SIG_IGN)
    try await onLoop { worker in
      let ends = try StreamPair(on: worker.reactor).release()
      let near = TCPStream(registered: ends.near, on: worker.reactor)
      let broken = try near.end()
      closeWithReset(ends.far)
      _ = TCPStream(registered: ends.far, on: worker.reactor)
      _ = await worker.reactor.wait(for: near.hangupInterest, until: worker.patience)
      var pipe = try Pipe()
      let filled = pipe.fill(from: broken, limit: 100)
      #expect(filled == .failed(SystemError(code: ECONNRESET)))
      let from = try StreamPair(on: worker.reactor)
      send("x", to: from.far.fd)
      _ = await worker.reactor.wait(for: from.near.readInterest, until: worker.patience)
      let source = try from.near.end()
      let moved = pipe.fill(from: source, limit: 100)
      #expect(moved == .moved(1))
      let drained = pipe.drain(to: broken, more: false)
      #expect(drained == .failed(SystemError(code: EPIPE)))
      #expect(pipe.count == 1)
    }
  }

  @Test func `filling a pipe that is not empty stops the program`() async {
    await #expect(processExitsWith: .failure) {
      try await onLoop { worker in
        let from = try StreamPair(on: worker.reactor)
        send("xy", to: from.far.fd)
        await worker.reactor.yield()
        let source = try from.near.end()
        var pipe = try Pipe()
        _ = pipe.fill(from: source, limit: 1)
        _ = pipe.fill(from: source, limit: 1)
      }
    }
  }

  @Test func `a pool keeps 64 free pipes and closes what is more`() async {
    await #expect(processExitsWith: .success) {
      let pool = PipePool()
      let before = openPipeEnds()
      let pipes = Pipes()
      for _ in 0..<65 { pipes.borrow(from: pool) }
      #expect(openPipeEnds() == before + 130)
      for _ in 0..<64 { pipes.giveBack(to: pool) }
      #expect(openPipeEnds() == before + 130)
      pipes.giveBack(to: pool)
      #expect(openPipeEnds() == before + 128)
      pipes.borrow(from: pool)
      #expect(openPipeEnds() == before + 128)
    }
  }

  @Test func `eight pipes of a pool are wide, the ninth is not, and a closed one makes room`()
    async throws
  {
    let pool = PipePool()
    let pipes = Pipes()
    for _ in 0..<8 { pipes.borrow(from: pool) }
    let wide = pipes.capacities
    pipes.borrow(from: pool)
    let ninth = try #require(pipes.capacities.last)
    #expect(Set(wide).count == 1)
    let ordinary = try Pipe()
    #expect(ninth == ordinary.capacity)
    pipes.closeFirst()
    pipes.borrow(from: pool)
    #expect(pipes.capacities.last == wide[0])
  }

  @Test func `a pipe that holds bytes is not kept`() async {
    await #expect(processExitsWith: .success) {
      try await onLoop { worker in
        let from = try StreamPair(on: worker.reactor)
        send("x", to: from.far.fd)
        await worker.reactor.yield()
        let source = try from.near.end()
        let pool = PipePool()
        let before = openPipeEnds()
        guard var pipe = pool.borrow() else {
          Issue.record("no pipe")
          return
        }
        _ = pipe.fill(from: source, limit: 1)
        pool.giveBack(pipe)
        #expect(openPipeEnds() == before)
      }
    }
  }
}

/// Pipes on loan: an array holds no noncopyable values.
private final class Pipes {
  private var held: [Holder] = []

  private final class Holder {
    var pipe: Pipe?
    init(_ pipe: consuming Pipe?) { self.pipe = pipe }
  }

  /// What each holds at most, in the order in which they were borrowed.
  var capacities: [Int] { held.map { $0.pipe?.capacity ?? 0 } }

  func closeFirst() { held.removeFirst() }

  func borrow(from pool: PipePool) { held.append(Holder(pool.borrow())) }

  func giveBack(to pool: PipePool) {
    guard let pipe = held.popLast()?.pipe.take() else { return }
    pool.giveBack(pipe)
  }
}

/// How many ends of pipes this process has open.
private func openPipeEnds() -> Int {
  (0..<1024).count { fd in
    var status = stat()
    // SAFETY: fstat fills the structure.
    return unsafe fstat(Int32(fd), &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }
}
