// Messages that are received for a task before it runs: nothing is lost, doubled or out of order,
// however the task reads them.
import Bytes
import Glibc
import IO
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct FetchingTests {
  /// Sends a text to a stream, perhaps with its end, and waits for it as for a message.
  private func expectMessage(
    _ text: String, from far: borrowing TCPStream, ending: Bool = false,
    at near: borrowing TCPStream, _ worker: isolated LoopActor
  ) async {
    send(text, to: far.fd)
    if ending { _ = Glibc.shutdown(far.fd, Int32(SHUT_WR)) }
    let wake = await worker.reactor.wait(for: near.messageInterest, until: worker.patience)
    #expect(wake == .ready)
  }

  /// Whether the kernel has nothing to be read.
  private func isEmpty(_ stream: borrowing TCPStream) -> Bool {
    var byte: UInt8 = 0
    // SAFETY: recv writes at most one byte into `byte`.
    return unsafe Glibc.recv(stream.fd, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) < 0
  }

  @Test func `a message is received before the wait for it is over`() async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      await expectMessage("hello", from: pair.far, at: pair.near, worker)
      let isTaken = isEmpty(pair.near)
      #expect(isTaken == true)
      #expect(pair.near.mayRead == true)
      #expect(pair.near.hasUnreadBytes() == true)
      #expect(pair.near.isQuiet() == false)
      let mayBeSpliced = pair.near.spliceSource != nil
      #expect(!mayBeSpliced)
      var buffer = BufferPool().borrow(.small)
      let read = pair.near.read(into: &buffer, limit: .max)
      #expect(read == .moved(5))
      #expect(text(buffer) == "hello")
      #expect(pair.near.mayRead == false)
      #expect(pair.near.isQuiet() == true)
      let isSpliceable = pair.near.spliceSource != nil
      #expect(isSpliceable)
    }
  }

  @Test func `a wait for bytes leaves them to the kernel`() async throws {
    try await onLoop { worker in
      let pair = try StreamPair(on: worker.reactor)
      send("hello", to: pair.far.fd)
      let interest = pair.near.readInterest
      #expect(await worker.reactor.wait(for: interest, until: worker.patience) == .ready)
      let isTaken = isEmpty(pair.near)
      #expect(isTaken == false)
    }
  }

  @Test func `a message may be read in parts, with what came behind it`() async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      await expectMessage("hello ", from: pair.far, at: pair.near, worker)
      send("world", to: pair.far.fd)
      var buffer = BufferPool().borrow(.small)
      let first = pair.near.read(into: &buffer, limit: 2)
      #expect(first == .moved(2))
      await worker.reactor.yield()
      let rest = await pair.near.receive(11, into: &buffer, on: worker)
      #expect(rest == .moved(11))
      #expect(text(buffer) == "hello world")
    }
  }

  @Test func `a message may be handed on from where it is, or left to be read`() async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      let early = pair.near.passMessage { _ in true }
      #expect(early == 0)
      await expectMessage("hello", from: pair.far, at: pair.near, worker)
      let left = pair.near.passMessage { _ in false }
      #expect(left == 0)
      #expect(pair.near.mayRead == true)
      var seen = BufferPool().borrow(.small)
      let taken = pair.near.passMessage {
        seen.append($0)
        return true
      }
      #expect(taken == 5)
      #expect(text(seen) == "hello")
      #expect(pair.near.mayRead == false)
      let again = pair.near.passMessage { _ in true }
      #expect(again == 0)
      await expectMessage("more", from: pair.far, at: pair.near, worker)
      let read = pair.near.read(into: &seen, limit: .max)
      #expect(read == .moved(4))
      #expect(text(seen) == "hellomore")
    }
  }

  @Test(arguments: [(2047, 2047), (2048, 0), (2049, 0)])
  func `a message behind which there may be more is not handed on`(
    _ size: Int, _ expected: Int
  ) async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      await expectMessage(
        String(repeating: "m", count: size), from: pair.far, at: pair.near, worker)
      let taken = pair.near.passMessage { _ in true }
      #expect(taken == expected)
    }
  }

  @Test func `the end comes after a message that was handed on, and an error is not one`()
    async throws
  {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      await expectMessage("bye", from: pair.far, ending: true, at: pair.near, worker)
      while !pair.near.isHungUp { await worker.reactor.yield() }
      let taken = pair.near.passMessage { _ in true }
      #expect(taken == 3)
      #expect(pair.near.mayRead == true)
      var buffer = BufferPool().borrow(.small)
      let end = pair.near.read(into: &buffer, limit: .max)
      #expect(end == .ended)

      let broken = try StreamPair(on: worker.reactor).release()
      var near = TCPStream(registered: broken.near, on: worker.reactor)
      worker.reactor.forget(broken.far)
      closeWithReset(broken.far)
      _ = Glibc.close(broken.far)
      let wait = near.messageInterest
      #expect(await worker.reactor.wait(for: wait, until: worker.patience) == .ready)
      let none = near.passMessage { _ in true }
      #expect(none == 0)
      let failed = near.read(into: &buffer, limit: .max)
      #expect(failed == .failed(SystemError(code: ECONNRESET)))
    }
  }

  @Test(arguments: [2047, 2048, 2049, 10_000])
  func `one read takes a message of any size`(_ size: Int) async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      let message = String((0..<size).map { Character(UnicodeScalar(UInt8(97 + $0 % 26))) })
      await expectMessage(message, from: pair.far, at: pair.near, worker)
      var buffer = BufferPool().borrow(.small)
      let read = pair.near.read(into: &buffer, limit: .max)
      #expect(read == .moved(size))
      #expect(text(buffer) == message)
      let more = pair.near.read(into: &buffer, limit: .max)
      #expect(more == .blocked)
    }
  }

  @Test func `a message that is not read at once is there in later turns, beside others`()
    async throws
  {
    try await onLoop { worker in
      var slow = try StreamPair(on: worker.reactor)
      await expectMessage("slow", from: slow.far, at: slow.near, worker)
      for round in 0..<100 {
        var quick = try StreamPair(on: worker.reactor)
        let message = String(repeating: "\(round % 10)", count: 1500)
        await expectMessage(message, from: quick.far, at: quick.near, worker)
        var buffer = BufferPool().borrow(.small)
        _ = quick.near.read(into: &buffer, limit: .max)
        #expect(text(buffer) == message)
      }
      var buffer = BufferPool().borrow(.small)
      let read = slow.near.read(into: &buffer, limit: .max)
      #expect(read == .moved(4))
      #expect(text(buffer) == "slow")
    }
  }

  @Test func `a stream that is closed with a message unread makes room for others`() async throws {
    try await onLoop { worker in
      for round in 0..<100 {
        var pair = try StreamPair(on: worker.reactor)
        let message = String(repeating: "\(round % 10)", count: 1500)
        await expectMessage(message, from: pair.far, at: pair.near, worker)
        let isTaken = isEmpty(pair.near)
        #expect(isTaken == true)
        pair.near.close()
      }
    }
  }

  @Test func `the end comes after the message`() async throws {
    try await onLoop { worker in
      var pair = try StreamPair(on: worker.reactor)
      await expectMessage("bye", from: pair.far, ending: true, at: pair.near, worker)
      var buffer = BufferPool().borrow(.small)
      let first = await pair.near.receive(3, into: &buffer, on: worker)
      #expect(first == .moved(3))
      let end = await pair.near.receive(4, into: &buffer, on: worker)
      #expect(end == .ended)
    }
  }

  @Test func `a reset is an error, not an end`() async throws {
    try await onLoop { worker in
      let ends = try StreamPair(on: worker.reactor).release()
      var near = TCPStream(registered: ends.near, on: worker.reactor)
      await worker.reactor.yield()
      closeWithReset(ends.far)
      _ = TCPStream(registered: ends.far, on: worker.reactor)
      let interest = near.messageInterest
      #expect(await worker.reactor.wait(for: interest, until: worker.patience) == .ready)
      var buffer = BufferPool().borrow(.small)
      let read = near.read(into: &buffer, limit: .max)
      #expect(read == .failed(SystemError(code: ECONNRESET)))
    }
  }
}
