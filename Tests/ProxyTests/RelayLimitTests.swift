// How much a relay moves at most, and how much it holds while its sink is slow.
import Bytes
import HTTP
import IO
import Testing

@testable import Proxy

/// A body in chunks of so many bytes.
private func chunks(_ data: [UInt8], of size: Int) -> [UInt8] {
  var body: [UInt8] = []
  for start in stride(from: 0, to: data.count, by: size) {
    let chunk = data[start..<min(start + size, data.count)]
    body += Array((String(chunk.count, radix: 16) + ";ext\r\n").utf8) + chunk + [13, 10]
  }
  return body + Array("0\r\n\r\n".utf8)
}

@Suite struct RelayLimitTests {
  @Test(arguments: [BodyFraming.length(5), .untilClose, .chunked])
  func `a body as large as its limit passes and one byte more is too large`(
    _ framing: BodyFraming
  ) {
    let body = framing == .chunked ? "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n" : "hello"
    for chunked in [true, false] where !chunked || framing != .length(5) {
      let arrivals: [MemoryStream.Arrival] = [.text(body), .end]
      let fits = relayed(framing, chunkedOutput: chunked, limit: 5, arrivals)
      #expect(fits.error == nil)
      #expect(fits.text == (chunked ? "5\r\nhello\r\n0\r\n\r\n" : "hello"))
      let large = relayed(framing, chunkedOutput: chunked, limit: 4, arrivals)
      #expect(large.error == .tooLarge)
      #expect(DecodedBody(large.output) == nil)
    }
  }

  @Test func `the limit counts the data of chunks and not their framing`() {
    let data = pattern(1000)
    let arrivals: [MemoryStream.Arrival] = [.bytes(chunks(data, of: 3))]
    #expect(relayed(.chunked, chunkedOutput: false, limit: 1000, arrivals).output == data)
    #expect(relayed(.chunked, chunkedOutput: false, limit: 999, arrivals).error == .tooLarge)
  }

  @Test func `the limit counts bytes that came with the head`() throws {
    let worker = quietWorker()
    var relay = BodyRelay(
      .untilClose, chunkedOutput: false, highWater: 65536, limit: 4, worker)
    var first = block("1234", worker)
    try relay.take(&first)
    var from = MemoryStream([.text("5"), .end])
    var to = MemoryStream()
    #expect(run(&relay, &from, &to).error == .tooLarge)
  }

  @Test(arguments: [0, 65536, 262_144], [100, 16384, 1_000_000])
  func `a relay before a sink that takes nothing stops at its bound`(
    _ highWater: Int, _ size: Int
  ) throws {
    let data = pattern(1_000_000)
    for (framing, chunked) in [
      (BodyFraming.length(1_000_000), false), (.untilClose, true), (.untilClose, false),
      (.chunked, true), (.chunked, false),
    ] {
      let worker = quietWorker()
      var relay = BodyRelay(framing, chunkedOutput: chunked, highWater: highWater, worker)
      let body = framing == .chunked ? chunks(data, of: 5000) : data
      var from = MemoryStream(
        stride(from: 0, to: body.count, by: size).map {
          .bytes(Array(body[$0..<min($0 + size, body.count)]))
        } + [.end])
      var to = MemoryStream()
      let before = worker.buffers.lent
      var most = 0
      var pumps = 0
      repeat {
        to.rooms = [.blocked]
        to.wake()
        _ = try relay.pump(from: &from, to: &to)
        most = max(most, worker.buffers.lent - before)
        pumps += 1
      } while relay.wantsInput && pumps < 10_000
      // One block at least, and whole blocks only.
      #expect(most == max(1, highWater / 65536), "\(framing)")
      let (wantsInput, hasOutput) = (relay.wantsInput, relay.hasOutput)
      #expect(!wantsInput && hasOutput)
      to.rooms = []
      to.wake()
      let end = run(&relay, &from, &to)
      let decoded = chunked ? DecodedBody(end.output)?.data : end.output
      #expect(decoded == data, "nothing was lost meanwhile")
    }
  }

  @Test func `crumbs to a slow sink share blocks`() throws {
    let worker = quietWorker()
    var relay = BodyRelay(.untilClose, chunkedOutput: true, highWater: 262_144, worker)
    var from = MemoryStream(Array(repeating: .text("crumb"), count: 2000) + [.end])
    var to = MemoryStream(rooms: Array(repeating: .blocked, count: 300))
    let end = run(&relay, &from, &to)
    #expect(end.mostBlocks == 1)
    let decoded = DecodedBody(end.output)
    #expect(decoded?.data == Array(String(repeating: "crumb", count: 2000).utf8))
  }

  @Test func `a paused relay reads again once there is room`() throws {
    let worker = quietWorker()
    var relay = BodyRelay(.length(300_000), chunkedOutput: false, highWater: 65536, worker)
    var from = MemoryStream([.bytes(pattern(300_000))])
    var to = MemoryStream(rooms: [.blocked, .bytes(1000), .blocked])
    _ = try relay.pump(from: &from, to: &to)
    let reads = from.reads
    to.wake()
    _ = try relay.pump(from: &from, to: &to)
    let stillPaused = from.reads
    #expect(stillPaused == reads)
    to.wake()
    _ = try relay.pump(from: &from, to: &to)
    let resumed = from.reads
    #expect(resumed > reads)
    #expect(run(&relay, &from, &to).output == pattern(300_000))
  }

  @Test func `a relay gives all its blocks back`() {
    let worker = quietWorker()
    let lent = worker.buffers.lent
    do {
      var relay = BodyRelay(.chunked, chunkedOutput: true, highWater: 262_144, worker)
      var from = MemoryStream([.bytes(chunks(pattern(500_000), of: 777))])
      var to = MemoryStream(rooms: Array(repeating: .blocked, count: 20))
      #expect(run(&relay, &from, &to).error == nil)
      #expect(worker.buffers.lent == lent, "nothing is held when all is written")
    }
    #expect(worker.buffers.lent == lent)
  }
}
