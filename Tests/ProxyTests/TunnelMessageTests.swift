// Small messages in a tunnel: posted from where they were received, in order with all that is written,
// and whole whatever the sink takes.
import Bytes
import Configuration
import Glibc
import HTTP
import IO
import TestSupport
import Testing

@testable import Proxy

@Suite(.timeLimit(.minutes(1))) struct TunnelMessageTests {
  private func tunnel(_ worker: WorkerState) -> BodyRelay {
    BodyRelay(.untilClose, chunkedOutput: false, highWater: 65536, worker)
  }

  /// A source whose first bytes have been received.
  private func source(_ arrivals: [MemoryStream.Arrival]) -> MemoryStream {
    var stream = MemoryStream(arrivals)
    stream.hasMessage = true
    return stream
  }

  /// A sink that takes so many bytes of what is posted; nothing is posted to it when nil.
  private func sink(postedRoom: Int?) -> MemoryStream {
    var stream = MemoryStream()
    stream.postedRoom = postedRoom
    return stream
  }

  @Test func `a message that has been received is posted without a read or a buffer`() throws {
    let worker = quietWorker()
    var relay = tunnel(worker)
    let lent = worker.buffers.lent
    var from = source([.text("hello")])
    var to = sink(postedRoom: .max)
    let step = try relay.move(from: &from, to: &to)
    #expect(step == .blocked)
    #expect(to.writtenText == "hello")
    let reads = from.reads
    #expect(reads == 0)
    #expect(worker.buffers.lent == lent)
    #expect(relay.received == 5)
    #expect(relay.hasOutput == false)
  }

  @Test func `a message that cannot be posted is written`() throws {
    var relay = tunnel(quietWorker())
    var from = source([.text("hello")])
    var to = sink(postedRoom: nil)
    let step = try relay.move(from: &from, to: &to)
    #expect(step == .blocked)
    #expect(to.writtenText == "hello")
    #expect(relay.received == 5)
  }

  @Test(arguments: 0..<5)
  func `what of a message did not leave goes before what came after it`(_ room: Int) throws {
    var relay = tunnel(quietWorker())
    var from = source([.text("hello"), .blocked, .text(" world")])
    var to = sink(postedRoom: room)
    to.rooms = [.blocked]
    _ = try relay.move(from: &from, to: &to)
    #expect(to.hasUnsent == true)
    from.wake()
    // The rest meets a full sink, and the next message is read behind it.
    _ = try relay.move(from: &from, to: &to)
    #expect(relay.hasOutput == true)
    to.wake()
    _ = try relay.move(from: &from, to: &to)
    #expect(to.writtenText == "hello world")
    #expect(relay.hasOutput == false)
  }

  @Test(arguments: [0, 3, 5])
  func `a close right behind a message loses nothing of it`(_ room: Int) throws {
    var relay = tunnel(quietWorker())
    var from = source([.text("hello"), .end])
    var to = sink(postedRoom: room)
    var step = try relay.move(from: &from, to: &to)
    if room < 5 {
      #expect(step == .blocked)
      #expect(relay.hasOutput == true)
      step = try relay.move(from: &from, to: &to)
    }
    #expect(step == .finished)
    #expect(to.writtenText == "hello")
  }

  @Test func `a close frame of our own waits for the end of a frame whose parts are messages`()
    throws
  {
    var relay = tunnel(quietWorker())
    let nothing = ByteBuffer()
    relay.followFrames(from: nothing.bytes)
    var from = source([.bytes([0x82, 3, 1])])
    var to = sink(postedRoom: .max)
    _ = try relay.move(from: &from, to: &to)
    relay.sayGoingAway()
    from.arrivals = [.bytes([2, 3, 0x82, 1, 9])]
    from.hasMessage = true
    from.wake()
    let step = try relay.move(from: &from, to: &to)
    #expect(step == .finished)
    #expect(to.written == [0x82, 3, 1, 2, 3] + WebSocketFrames.goingAway)
  }

  @Test func `what comes in large pieces is not received as messages`() throws {
    var relay = tunnel(quietWorker())
    #expect(relay.expectsMessage == true)
    var from = source([.bytes(pattern(5000)), .blocked, .text("small")])
    var to = sink(postedRoom: nil)
    from.hasMessage = false
    _ = try relay.move(from: &from, to: &to)
    #expect(relay.expectsMessage == false)
    from.wake()
    _ = try relay.move(from: &from, to: &to)
    #expect(relay.expectsMessage == true)
  }

  // MARK: Real sockets

  /// Fills a socket behind its stream's back; the stream believes that there is room.
  private func fill(_ fd: Int32) -> Int {
    let bytes = [UInt8](repeating: 0x78, count: 65536)
    var count = 0
    while true {
      // SAFETY: send reads the array's bytes.
      let n = unsafe Glibc.send(fd, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      guard n > 0 else { return count }
      count += n
    }
  }

  /// What is there to be read, now.
  private func received(_ stream: inout TCPStream, _ worker: WorkerState) -> [UInt8] {
    var all: [UInt8] = []
    var block = worker.buffers.borrow(.large)
    while case .moved = stream.read(into: &block, limit: .max) {
      all += bytes(of: block)
      block.reset()
    }
    return all
  }

  @Test(arguments: [true, false])
  func `a full socket gets what was posted, then what was read in the same turn, then the end`(
    _ endsInSameTurn: Bool
  ) async throws {
    let (filled, seen) = try await onLoop { worker in
      let state = WorkerState(configuration(.ip(host: "127.0.0.1", port: 1)), worker.loop)
      var relay = tunnel(state)
      var from = source(
        [.text("one "), .text("two")] + (endsInSameTurn ? [.end] : [.blocked, .end]))
      var to = try StreamPair(on: worker.reactor)
      await worker.reactor.yield()
      let filled = fill(to.near.fd)
      var seen: [UInt8] = []
      var step = try relay.move(from: &from, to: &to.near)
      #expect(step == .blocked)
      let deadline = worker.patience
      while step != .finished, worker.reactor.now < deadline {
        seen += received(&to.far, state)
        await worker.reactor.yield()
        from.wake()
        step = try relay.move(from: &from, to: &to.near)
      }
      to.near.finishWriting()
      while !to.far.isHungUp, worker.reactor.now < deadline {
        seen += received(&to.far, state)
        await worker.reactor.yield()
      }
      seen += received(&to.far, state)
      return (filled, seen)
    }
    #expect(filled > 0)
    #expect(String(decoding: seen.dropFirst(filled), as: UTF8.self) == "one two")
  }

  @Test func `a pipe is emptied into a sink that has sent a message meanwhile`() async throws {
    try await onLoop { worker in
      let state = WorkerState(configuration(.ip(host: "127.0.0.1", port: 1)), worker.loop)
      var relay = BodyRelay(
        .length(.max), chunkedOutput: false, highWater: 65536, state)
      var from = try StreamPair(on: worker.reactor)
      var to = try StreamPair(on: worker.reactor)
      let deadline = worker.patience
      var block = state.buffers.borrow(.large)
      while relay.bytesInPipe == 0, worker.reactor.now < deadline {
        if block.isEmpty {
          block.reset()
          block.append(pattern(65536).span)
        }
        _ = from.far.write(from: &block, more: false)
        _ = try relay.pump(from: &from.near, to: &to.near)
        await worker.reactor.yield()
      }
      send("early", to: to.far.fd)
      let interest = to.near.messageInterest
      #expect(await worker.reactor.wait(for: interest, until: deadline) == .ready)
      while relay.bytesInPipe > 0, worker.reactor.now < deadline {
        _ = received(&to.far, state)
        _ = try relay.flush(to: &to.near)
        await worker.reactor.yield()
      }
      #expect(relay.bytesInPipe == 0)
      let answer = received(&to.near, state)
      #expect(answer == Array("early".utf8))
    }
  }

  /// One direction between two sockets, and what came out of it.
  private struct Direction: ~Copyable {
    var relay: BodyRelay
    var unsent: ArraySlice<UInt8>
    var output: [UInt8] = []
    var isFinished = false
    /// The reader has seen the end.
    var isRead = false
  }

  @Test(arguments: [false, true])
  func `messages of all sizes keep their order both ways at once, with readers of any pace`(
    _ isRaw: Bool
  ) async throws {
    let up = pattern(700_000)
    let down = Array(pattern(900_001).reversed())
    let output = try await onLoop { worker in
      // The state's own reactor is not polled: the relays ask it for the time alone.
      let state = WorkerState(configuration(.ip(host: "127.0.0.1", port: 1)), worker.loop)
      var client = try StreamPair(on: worker.reactor)
      var server = try StreamPair(on: worker.reactor)
      var upload = Direction(relay: tunnel(state), unsent: up[...])
      var download = Direction(relay: tunnel(state), unsent: down[...])
      upload.relay.isRaw = isRaw
      download.relay.isRaw = isRaw
      var generator = SameNumbers(seed: 7)
      let deadline = worker.patience
      while !(upload.isRead && download.isRead), worker.reactor.now < deadline {
        step(&upload, &client.far, &client.near, &server.near, &server.far, &generator)
        step(&download, &server.far, &server.near, &client.near, &client.far, &generator)
        await worker.reactor.yield()
        var interests = Interests()
        if upload.relay.wantsInput {
          interests.insert(upload.relay.sourceInterest(in: client.near))
        }
        if download.relay.wantsInput {
          interests.insert(download.relay.sourceInterest(in: server.near))
        }
        if interests.isEmpty { continue }
        // Not for long: the ends are to write and to read as well.
        _ = await worker.reactor.wait(for: interests, until: worker.soon(5))
      }
      return [upload.output, download.output]
    }
    #expect(output[0] == up)
    #expect(output[1] == down)
  }

  /// One end writes a piece, the relay moves, the other end reads a piece.
  private func step(
    _ way: inout Direction, _ writer: inout TCPStream, _ from: inout TCPStream,
    _ to: inout TCPStream, _ reader: inout TCPStream, _ generator: inout SameNumbers
  ) {
    let size = Int.random(in: 0..<8, using: &generator) == 0 ? 60_000 : 2100
    let piece = way.unsent.prefix(Int.random(in: 1...size, using: &generator))
    var block = way.relay.worker.buffers.borrow(.large)
    block.append(Array(piece).span)
    if !piece.isEmpty, case .moved(let n) = writer.write(from: &block, more: false) {
      way.unsent = way.unsent.dropFirst(n)
      if way.unsent.isEmpty { writer.finishWriting() }
    }
    if !way.isFinished, let step = try? way.relay.move(from: &from, to: &to), step == .finished {
      to.finishWriting()
      way.isFinished = true
    }
    // A reader that falls behind, and catches up at the end.
    if !way.isFinished, Int.random(in: 0..<4, using: &generator) > 0 { return }
    while true {
      block.reset()
      switch reader.read(into: &block, limit: .max) {
      case .moved: way.output += bytes(of: block)
      case .ended: way.isRead = true
      case .blocked, .failed: return
      }
      if way.isRead { return }
    }
  }
}
