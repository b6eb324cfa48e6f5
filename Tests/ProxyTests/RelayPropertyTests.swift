// Whatever the cuts, the pauses and the short writes, the body that comes out is the body that went
// in. The scripts look random and are the same in every run.
import Bytes
import HTTP
import IO
import Testing

@testable import Proxy

@Suite struct RelayPropertyTests {
  /// A body in the framing, and what a reader of it must see.
  private struct Sample {
    var data: [UInt8] = []
    var wire: [UInt8] = []
    var trailers: [String] = []
  }

  private func sample(_ isChunked: Bool, _ numbers: inout SameNumbers) -> Sample {
    var sample = Sample()
    for _ in 0..<Int.random(in: 0...12, using: &numbers) {
      // Sizes of every order, so that chunks lie within blocks and blocks within chunks.
      let size = Int.random(in: 1...(1 << Int.random(in: 0...17, using: &numbers)), using: &numbers)
      let chunk = pattern(size, from: sample.data.count)
      sample.data += chunk
      guard isChunked else { continue }
      let ext = Bool.random(using: &numbers) ? ";a=\"b\"" : ""
      sample.wire += Array((String(size, radix: 16) + ext + "\r\n").utf8) + chunk + [13, 10]
    }
    guard isChunked else {
      sample.wire = sample.data
      return sample
    }
    var end = "0\r\n"
    for i in 0..<Int.random(in: 0...3, using: &numbers) {
      let line = "Trailer-\(i): \(Int.random(in: 0...99999, using: &numbers))"
      sample.trailers.append(line)
      end += line + "\r\n"
    }
    sample.wire += Array((end + "\r\n").utf8)
    return sample
  }

  private func arrivals(
    _ wire: [UInt8], _ numbers: inout SameNumbers
  ) -> [MemoryStream.Arrival] {
    var arrivals: [MemoryStream.Arrival] = []
    var rest = wire[...]
    // A few scripts drip; the others come in pieces of every order.
    let order = Int.random(in: 3...17, using: &numbers)
    while !rest.isEmpty {
      if Int.random(in: 0..<4, using: &numbers) == 0 { arrivals.append(.blocked) }
      let count = min(rest.count, Int.random(in: 1...(1 << order), using: &numbers))
      arrivals.append(.bytes(Array(rest.prefix(count))))
      rest = rest.dropFirst(count)
    }
    return arrivals
  }

  private func rooms(_ count: Int, _ numbers: inout SameNumbers) -> [MemoryStream.Room] {
    let order = Int.random(in: 2...17, using: &numbers)
    return (0..<count).map { _ in
      if Int.random(in: 0..<3, using: &numbers) == 0 { return .blocked }
      return .bytes(Int.random(in: 1...(1 << order), using: &numbers))
    }
  }

  @Test(arguments: 1...300 as ClosedRange<UInt64>)
  func `random cuts and short writes leave the body as it was`(_ seed: UInt64) {
    var numbers = SameNumbers(seed: seed)
    let kind = Int.random(in: 0..<3, using: &numbers)
    let sample = sample(kind == 2, &numbers)
    let framing: BodyFraming =
      kind == 0 ? .length(UInt64(sample.data.count)) : kind == 1 ? .untilClose : .chunked
    let chunked = kind > 0 && Bool.random(using: &numbers)
    let highWater = [1, 65536, 100_000, 262_144].randomElement(using: &numbers) ?? 1
    let worker = quietWorker()
    var relay = BodyRelay(
      framing, chunkedOutput: chunked, highWater: highWater,
      limit: UInt64(sample.data.count), worker)
    var from = MemoryStream(arrivals(sample.wire, &numbers) + (kind == 1 ? [.end] : []))
    var to = MemoryStream(rooms: rooms(Int.random(in: 0...400, using: &numbers), &numbers))
    let end = run(&relay, &from, &to)
    #expect(end.error == nil)
    // What waits, and one block beside it that cannot be understood yet.
    #expect(end.mostBlocks <= (highWater + 65535) / 65536 + 1)
    let (received, surplus) = (relay.received, !relay.hasSurplus)
    #expect(received == UInt64(sample.data.count))
    #expect(surplus)
    if chunked {
      let decoded = DecodedBody(end.output)
      #expect(decoded?.data == sample.data)
      #expect(decoded?.trailers == (kind == 2 ? sample.trailers : []))
    } else {
      #expect(end.output == sample.data)
    }
  }
}
