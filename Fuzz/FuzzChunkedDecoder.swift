// libFuzzer target: any bytes, taken as a chunked body, must be decoded without a trap, and to the
// same data however they are cut. The first bytes choose the cuts.

@c(LLVMFuzzerTestOneInput)
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard count > 1, let start = unsafe start else { return 0 }
  let input = unsafe RawSpan(_unsafeStart: start, byteCount: count)
  let seed = input[0]
  let bytes = input.extracting(1..<count)
  let limits = seed & 1 == 0 ? HeadLimits.trailers : HeadLimits(head: 24, line: 24, fields: 2)
  let whole = decode(bytes, cuts: 0, limits)
  let bytewise = decode(bytes, cuts: 1, limits)
  let split = decode(bytes, cuts: UInt64(seed) + 2, limits)
  precondition(whole == bytewise && whole == split, "a body depends on how it is cut")
  return 0
}

struct Result: Equatable {
  var data: [UInt8] = []
  var trailers: [UInt8]?
  /// Bytes up to the end of the body.
  var consumed = 0
  var error: ChunkedError?
}

/// Decodes, given first nothing and then more and more bytes; what was consumed is not given again.
///
/// - Parameter cuts: 0 for all at once, 1 for byte by byte, else the seed of random cuts, at which
///   part of the data is skipped instead of read.
func decode(_ bytes: RawSpan, cuts: UInt64, _ limits: HeadLimits) -> Result {
  var decoder = ChunkedDecoder(trailers: limits)
  var result = Result()
  var random = cuts
  var start = 0
  var end = 0
  do throws(ChunkedError) {
    while end < bytes.byteCount || end == 0 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let step = cuts == 0 ? bytes.byteCount : cuts == 1 ? 1 : 1 + Int(random >> 60)
      end = min(end + step, bytes.byteCount)
      if cuts > 1, decoder.remainingInChunk > 0, random >> 59 & 1 == 1 {
        let moved = min(Int(min(decoder.remainingInChunk, 1 << 32)), end - start)
        for i in start..<start + moved { result.data.append(bytes[i]) }
        decoder.skip(UInt64(moved))
        start += moved
      }
      guard try read(&decoder, bytes, &start, end, &result) else { continue }
      result.consumed = start
      precondition(decoder.isFinished && decoder.remainingInChunk == 0)
      return result
    }
  } catch {
    result.error = error
  }
  return result
}

/// Reads events until more bytes are needed or the body has ended.
func read(
  _ decoder: inout ChunkedDecoder, _ bytes: RawSpan, _ start: inout Int, _ end: Int,
  _ result: inout Result
) throws(ChunkedError) -> Bool {
  let part = bytes.extracting(start..<end)
  var position = 0
  defer { start += position }
  while true {
    let before = position
    switch try decoder.next(part, from: &position) {
    case .data(let range):
      precondition(range.lowerBound >= before && range.upperBound == position && !range.isEmpty)
      for i in range { result.data.append(part[i]) }
    case .needMore:
      precondition(position >= before && position <= part.byteCount)
      return false
    case .end(let trailers):
      precondition(trailers.upperBound == position)
      result.trailers = trailers.map { part[$0] }
      return true
    }
  }
}
