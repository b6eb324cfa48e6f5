// Bodies of known length and those that end with their connection: what is read, what is sent, and
// what becomes of the bytes behind them.
import Bytes
import HTTP
import IO
import Testing

@testable import Proxy

@Suite struct BodyRelayTests {
  @Test func `a body of known length is passed on as it is`() {
    let arrivals: [MemoryStream.Arrival] = [.text("hello "), .blocked, .text("world")]
    let end = relayed(.length(11), chunkedOutput: false, arrivals)
    #expect(end.text == "hello world")
    #expect(end.error == nil)
  }

  @Test func `a body of known length is passed on whole wherever it is cut`() {
    let body = Array("0123456789abcdef".utf8)
    for cut in 1..<body.count {
      let cuts: [MemoryStream.Arrival] = [
        .bytes(Array(body[..<cut])), .blocked, .bytes(Array(body[cut...])),
      ]
      let end = relayed(.length(16), chunkedOutput: false, cuts)
      #expect(end.output == body, "cut at \(cut)")
    }
  }

  @Test(arguments: [BodyFraming.none, .length(0)])
  func `an empty body is finished without a read`(_ framing: BodyFraming) throws {
    var relay = BodyRelay(framing, chunkedOutput: false, highWater: 65536, quietWorker())
    var from = MemoryStream([.text("GET / HTTP/1.1")])
    var to = MemoryStream()
    let step = try relay.pump(from: &from, to: &to)
    #expect(step == .finished)
    let reads = from.reads
    #expect(reads == 0)
    let hasRead = relay.hasReadSource
    #expect(!hasRead)
  }

  @Test func `a message that was posted and did not leave in full goes on from there`() throws {
    let worker = quietWorker()
    var relay = BodyRelay(.none, chunkedOutput: false, highWater: 65536, worker)
    worker.scratch.append("GET / HTTP/1.1")
    var from = MemoryStream()
    var to = MemoryStream()
    to.postedRoom = 5
    relay.postScratch(to: &to)
    #expect(relay.isFinished == true)
    relay.takeBack(from: &to)
    #expect(relay.isFinished == false)
    let step = try relay.pump(from: &from, to: &to)
    #expect(step == .finished)
    #expect(to.writtenText == "GET / HTTP/1.1")
  }

  @Test func `a message that cannot be posted is queued`() throws {
    let worker = quietWorker()
    var relay = BodyRelay(.none, chunkedOutput: false, highWater: 65536, worker)
    worker.scratch.append("GET / HTTP/1.1")
    var from = MemoryStream()
    var to = MemoryStream()
    relay.postScratch(to: &to)
    #expect(relay.isFinished == false)
    worker.scratch.reset()
    let step = try relay.pump(from: &from, to: &to)
    #expect(step == .finished)
    #expect(to.writtenText == "GET / HTTP/1.1")
  }

  @Test func `bytes of the next message are not read with a body of known length`() {
    var relay = BodyRelay(.length(5), chunkedOutput: false, highWater: 65536, quietWorker())
    var from = MemoryStream([.text("helloGET /")])
    var to = MemoryStream()
    let end = run(&relay, &from, &to)
    #expect(end.text == "hello")
    let left = from.arrivals
    #expect(left == [.text("GET /")])
  }

  @Test func `what came behind a body with its head is kept as surplus`() throws {
    let worker = quietWorker()
    var relay = BodyRelay(.length(5), chunkedOutput: false, highWater: 65536, worker)
    var first = block("helloGET /", worker)
    try relay.take(&first)
    let surplus = text(of: relay.takeSurplus())
    let body = text(of: first)
    #expect(surplus == "GET /")
    #expect(body == "hello")
    let (isEnded, hasRead) = (relay.isInputEnded, relay.hasReadSource)
    #expect(isEnded)
    #expect(!hasRead, "it came from a block, which can be sent again")
  }

  @Test func `a surplus of a whole block is kept`() throws {
    let worker = quietWorker()
    var relay = BodyRelay(.length(1), chunkedOutput: false, highWater: 65536, worker)
    var first = worker.buffers.borrow(.large)
    let all = pattern(65536)
    first.append(all.span)
    try relay.take(&first)
    let surplus = bytes(of: relay.takeSurplus())
    #expect(surplus == Array(all[1...]))
  }

  @Test func `a body until close ends with its connection`() {
    let end = relayed(.untilClose, chunkedOutput: false, [.text("all "), .text("of it"), .end])
    #expect(end.text == "all of it")
    #expect(end.error == nil)
  }

  @Test func `a body until close is sent in chunks where the sink knows them`() {
    let end = relayed(.untilClose, chunkedOutput: true, [.text("hello"), .blocked, .end])
    #expect(end.text == "5\r\nhello\r\n0\r\n\r\n")
  }

  @Test func `an empty body until close becomes the last chunk alone`() {
    #expect(relayed(.untilClose, chunkedOutput: true, [.end]).text == "0\r\n\r\n")
    #expect(relayed(.untilClose, chunkedOutput: false, [.end]).text == "")
  }

  @Test(arguments: [MemoryStream.Arrival.end, .failure])
  func `a source that dies in a body of known length is broken`(_ last: MemoryStream.Arrival) {
    let end = relayed(.length(6), chunkedOutput: false, [.text("hello"), last])
    #expect(end.error == .sourceBroken)
  }

  @Test func `a reset is no end of a body until close`() {
    let end = relayed(.untilClose, chunkedOutput: true, [.text("hello"), .failure])
    #expect(end.error == .sourceBroken)
    #expect(DecodedBody(end.output) == nil, "no last chunk")
  }

  @Test(arguments: [MemoryStream.Arrival.end, .failure], [1, 4, 9, 12, 14])
  func `a source that dies in a chunked body leaves no last chunk`(
    _ last: MemoryStream.Arrival, _ length: Int
  ) {
    let body = Array("5\r\nhello\r\n0\r\n\r\n".utf8)
    let end = relayed(.chunked, chunkedOutput: true, [.bytes(Array(body.prefix(length))), last])
    #expect(end.error == .sourceBroken)
    #expect(DecodedBody(end.output) == nil)
  }

  @Test(arguments: [true, false]) func `a sink that fails is broken`(_ chunked: Bool) {
    var relay = BodyRelay(.untilClose, chunkedOutput: chunked, highWater: 65536, quietWorker())
    var from = MemoryStream([.text("hello"), .end])
    var to = MemoryStream(rooms: [.bytes(2), .failure])
    let end = run(&relay, &from, &to)
    #expect(end.error == .sinkBroken)
    #expect(end.output.count == 2)
  }

  @Test func `a fast pair gives others their turn`() throws {
    var relay = BodyRelay(.untilClose, chunkedOutput: false, highWater: 65536, quietWorker())
    var from = MemoryStream([.bytes(pattern(2_000_000)), .end])
    var to = MemoryStream()
    let step = try relay.pump(from: &from, to: &to)
    #expect(step == .again)
    let moved = to.written.count
    #expect(1...1_048_576 ~= moved)
  }

  @Test func `a relay that gave up reads and writes nothing more`() throws {
    let worker = quietWorker()
    let lent = worker.buffers.lent
    var relay = BodyRelay(.length(100), chunkedOutput: false, highWater: 65536, worker)
    var from = MemoryStream([.text("hello"), .text("world")])
    var to = MemoryStream(rooms: [.blocked])
    _ = try relay.pump(from: &from, to: &to)
    relay.abandon()
    let reads = from.reads
    to.wake()
    let step = try relay.pump(from: &from, to: &to)
    #expect(step == .finished)
    let after = (from.reads, to.written.count)
    #expect(after == (reads, 0))
    #expect(worker.buffers.lent == lent, "its blocks are given back")
  }

  @Test(arguments: [(9_999, 0, false), (10_000, 2399, true), (10_000, 2400, false)])
  func `a body below its rate is noticed after ten seconds`(
    _ elapsed: Int64, _ received: UInt64, _ isSlow: Bool
  ) {
    let worker = quietWorker()
    var relay = BodyRelay(.untilClose, chunkedOutput: false, highWater: 65536, worker)
    relay.received = received
    let start = worker.reactor.now.advanced(by: -elapsed)
    let verdicts = (relay.isTooSlow(240, since: start), relay.isTooSlow(0, since: start))
    #expect(verdicts == (isSlow, false))
  }
}
