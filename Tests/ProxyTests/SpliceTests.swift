// Large bodies between real sockets, through a pipe in the kernel. Writer, relay and reader take
// turns in one task, each doing what it can without waiting, so that the reader's pace is exact.
import Bytes
import Glibc
import Configuration
import HTTP
import IO
import TestSupport
import Testing

@testable import Proxy

/// What is sent to the relay, and how its reader behaves.
private struct Transmission {
  var framing: BodyFraming
  var chunkedOutput = false
  /// The bytes as the source sends them.
  var wire: [UInt8]
  /// The source closes after the last byte.
  var closes = false
  /// Bytes the reader takes in one turn; nil for all there are.
  var pace: Int?
  /// The reader closes, by a reset, after so many bytes.
  var readerLeavesAfter = Int.max
  var highWater = 262_144
  var limit = UInt64.max
  /// These many bytes of `wire` come alone, while the sink's socket is full.
  var lead = 0
  /// The bytes are a tunnel's.
  var isRaw = false
}

/// What came of it.
private struct Transmitted: Sendable {
  var output: [UInt8] = []
  var error: RelayError?
  var finished = false
  var usedPipe = false
  var mostBlocks = 0
  /// The relay still held a pipe when it was done.
  var keptPipe = true
}

private func transmit(_ transmission: Transmission) async throws -> Transmitted {
  try await onLoop { worker in
    let state = WorkerState(configuration(.ip(host: "127.0.0.1", port: 1)), worker.loop)
    // The state's own reactor is not polled: the relay asks it for the time alone.
    var source = try StreamPair(on: worker.reactor)
    var sink = try StreamPair(on: worker.reactor)
    return await transmit(transmission, state, &source, &sink, worker)
  }
}

private func transmit(
  _ transmission: Transmission, _ state: WorkerState, _ source: inout StreamPair,
  _ sink: inout StreamPair, _ worker: isolated LoopActor
) async -> Transmitted {
  var relay = BodyRelay(
    transmission.framing, chunkedOutput: transmission.chunkedOutput,
    highWater: transmission.highWater, limit: transmission.limit, state)
  relay.isRaw = transmission.isRaw
  let lent = state.buffers.lent
  var result = Transmitted()
  var unsent = transmission.wire[...]
  var readerIsThere = true
  var readerSawEnd = false
  let deadline = worker.patience
  var filling = 0
  var readerHasBegun = transmission.lead == 0
  if transmission.lead > 0 {
    send(String(decoding: unsent.prefix(transmission.lead), as: UTF8.self), to: source.far.fd)
    unsent = unsent.dropFirst(transmission.lead)
    filling = fill(&sink.near, state)
    while !source.near.mayRead { await worker.reactor.yield() }
    // The lead is read, and what follows it finds no room.
    while source.near.mayRead { _ = try? relay.pump(from: &source.near, to: &sink.near) }
    // The kernel makes room once more as it hands bytes over.
    var quiet = 0
    while quiet < 20 {
      await worker.reactor.yield()
      let more = fill(&sink.near, state)
      filling += more
      quiet = more == 0 ? quiet + 1 : 0
    }
  }
  while worker.reactor.now < deadline {
    if !unsent.isEmpty {
      // SAFETY: send reads the slice's bytes, which live as long as the call.
      let n = unsafe unsent.withUnsafeBytes {
        unsafe Glibc.send(source.far.fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if n > 0 { unsent = unsent.dropFirst(n) }
      if unsent.isEmpty, transmission.closes { source.far.finishWriting() }
    }
    do throws(RelayError) {
      let step = try relay.pump(from: &source.near, to: &sink.near)
      if step == .finished, !result.finished {
        result.finished = true
        sink.near.finishWriting()
      }
    } catch {
      result.error = error
    }
    if relay.extras?.hasPipe == true || state.pipes.count > 0 { result.usedPipe = true }
    result.mostBlocks = max(result.mostBlocks, state.buffers.lent - lent)
    if relay.hasOutput { readerHasBegun = true }
    if readerIsThere, readerHasBegun {
      var block = state.buffers.borrow(.large)
      while result.output.count < transmission.readerLeavesAfter {
        block.reset()
        let read = sink.far.read(into: &block, limit: transmission.pace ?? .max)
        if case .ended = read { readerSawEnd = true }
        guard case .moved = read else { break }
        result.output += bytes(of: block)
        if transmission.pace != nil { break }
      }
      if result.output.count >= transmission.readerLeavesAfter {
        readerIsThere = false
        let fd = sink.far.detach()
        worker.reactor.forget(fd)
        closeWithReset(fd)
        _ = Glibc.close(fd)
      }
    }
    if result.error != nil { break }
    // Written is not yet received: only the end of the stream says that all has come.
    if result.finished, readerSawEnd { break }
    await worker.reactor.yield()
  }
  result.output.removeFirst(min(filling, result.output.count))
  result.keptPipe = relay.extras?.hasPipe == true
  return result
}

/// Writes until the socket takes no more; returns how many bytes that were.
private func fill(_ stream: inout TCPStream, _ state: WorkerState) -> Int {
  var filling = 0
  while true {
    var block = state.buffers.borrow(.large)
    block.append([UInt8](repeating: 0, count: 65536).span)
    guard case .moved(let n) = stream.write(from: &block, more: false) else { return filling }
    filling += n
  }
}

@Suite(.timeLimit(.minutes(2))) struct SpliceTests {
  private func chunk(_ data: [UInt8]) -> [UInt8] {
    Array((String(data.count, radix: 16) + ";e\r\n").utf8) + data + [13, 10]
  }

  @Test(arguments: [nil, 5000, 65536])
  func `a large body of known length goes through a pipe`(_ pace: Int?) async throws {
    let data = pattern(1_500_000)
    let end = try await transmit(
      Transmission(
        framing: .length(1_500_000), wire: data, pace: pace))
    #expect(end.output == data)
    #expect(end.error == nil && end.finished)
    #expect(end.usedPipe)
    #expect(!end.keptPipe, "it is given back")
  }

  @Test(arguments: [nil, 5000, 65536])
  func `a tunnel that carries much goes through a pipe`(_ pace: Int?) async throws {
    let data = pattern(1_500_000)
    let end = try await transmit(
      Transmission(framing: .untilClose, wire: data, closes: true, pace: pace, isRaw: true))
    #expect(end.output == data)
    #expect(end.error == nil && end.finished)
    #expect(end.usedPipe)
    #expect(!end.keptPipe, "it is given back")
  }

  @Test func `a tunnel that carries little is copied, as is all that somebody looks at`()
    async throws
  {
    let little = pattern(BodyRelay.bulkThreshold - 1)
    let tunnel = try await transmit(
      Transmission(framing: .untilClose, wire: little, closes: true, isRaw: true))
    #expect(tunnel.output == little && tunnel.finished)
    #expect(!tunnel.usedPipe)
    let body = try await transmit(
      Transmission(framing: .untilClose, wire: pattern(500_000), closes: true))
    #expect(body.output == pattern(500_000) && body.finished)
    #expect(!body.usedPipe)
  }

  @Test func `a body below the threshold is copied`() async throws {
    let data = pattern(65535)
    let end = try await transmit(
      Transmission(framing: .length(65535), wire: data))
    #expect(end.output == data)
    #expect(!end.usedPipe)
  }

  @Test func `bytes behind a spliced body stay in the socket`() async throws {
    let data = pattern(200_000)
    let end = try await transmit(
      Transmission(
        framing: .length(200_000), wire: data + Array("HTTP/1.1 200".utf8)))
    #expect(end.output == data)
    #expect(end.finished)
  }

  @Test(arguments: [nil, 5000], [true, false])
  func `large chunks go through a pipe between small ones`(
    _ pace: Int?, _ chunked: Bool
  ) async throws {
    let parts = [pattern(10), pattern(700_000, from: 10), pattern(3), pattern(400_000, from: 7)]
    let data = Array(parts.joined())
    let wire = Array(parts.map(chunk).joined()) + Array("0\r\nA: b\r\n\r\n".utf8)
    let end = try await transmit(
      Transmission(
        framing: .chunked, chunkedOutput: chunked, wire: wire, pace: pace))
    #expect(end.error == nil && end.finished)
    #expect(end.usedPipe)
    if chunked {
      let decoded = DecodedBody(end.output)
      #expect(decoded == DecodedBody(data: data, trailers: ["A: b"]))
    } else {
      #expect(end.output == data)
    }
  }

  @Test func `a large chunk whose header finds no room stays whole`() async throws {
    let data = pattern(400_000)
    let end = try await transmit(
      Transmission(
        framing: .chunked, chunkedOutput: true,
        wire: Array("61a80\r\n".utf8) + data + Array("\r\n0\r\n\r\n".utf8), pace: 65536, lead: 7))
    #expect(end.error == nil && end.usedPipe)
    let decoded = DecodedBody(end.output)
    #expect(decoded == DecodedBody(data: data))
  }

  @Test func `a slow reader makes the relay hold no more than its bound`() async throws {
    let data = pattern(1_500_000)
    let end = try await transmit(
      Transmission(
        framing: .length(1_500_000), wire: data, pace: 3000, highWater: 65536))
    #expect(end.output == data)
    #expect(end.mostBlocks <= 1)
  }

  @Test func `a sink that was full is given little at a time`() async throws {
    try await onLoop { worker in
      let state = WorkerState(configuration(.ip(host: "127.0.0.1", port: 1)), worker.loop)
      var source = try StreamPair(on: worker.reactor)
      var sink = try StreamPair(on: worker.reactor)
      var relay = BodyRelay(.length(1 << 32), chunkedOutput: false, highWater: 65536, state)
      while !relay.hasOutput {
        _ = fill(&source.far, state)
        while case .again = try relay.pump(from: &source.near, to: &sink.near) {}
        await worker.reactor.yield()
      }
      _ = fill(&source.far, state)
      let before = relay.received
      while relay.received == before, worker.reactor.now < worker.patience {
        var block = state.buffers.borrow(.large)
        while case .moved = sink.far.read(into: &block, limit: .max) { block.reset() }
        await worker.reactor.yield()
        _ = try relay.pump(from: &source.near, to: &sink.near)
      }
      let moved = Int(relay.received - before)
      #expect(1...SinkPace.least ~= moved)
    }
  }

  @Test(arguments: [false, true])
  func `a source that dies in a spliced body is broken`(_ chunked: Bool) async throws {
    let data = pattern(300_000)
    let wire = chunked ? Array("7a120\r\n".utf8) + data : data
    let end = try await transmit(
      Transmission(
        framing: chunked ? .chunked : .length(500_000), chunkedOutput: chunked, wire: wire,
        closes: true))
    #expect(end.error == .sourceBroken)
    #expect(end.usedPipe)
    #expect(chunked ? DecodedBody(end.output) == nil : data.starts(with: end.output))
  }

  @Test func `a reader that leaves a spliced body is a broken sink`() async throws {
    let end = try await transmit(
      Transmission(
        framing: .length(3_000_000), wire: pattern(3_000_000), readerLeavesAfter: 300_000))
    #expect(end.error == .sinkBroken)
  }

  @Test(arguments: [false, true])
  func `spliced bytes count towards the limit`(_ chunked: Bool) async throws {
    let data = pattern(300_000)
    let wire = chunked ? chunk(data) + Array("0\r\n\r\n".utf8) : data
    let framing = chunked ? BodyFraming.chunked : .length(300_000)
    let fits = try await transmit(
      Transmission(framing: framing, wire: wire, limit: 300_000))
    #expect(fits.error == nil && fits.output == data)
    let large = try await transmit(Transmission(framing: framing, wire: wire, limit: 299_999))
    #expect(large.error == .tooLarge)
  }
}
