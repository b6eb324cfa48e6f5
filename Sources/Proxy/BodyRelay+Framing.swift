// Understanding received bytes and framing them anew, inside the block they were received in.
//
//     received:  [headroom] 5;ext=1 CRLF hello CRLF 3 CRLF you CRLF 0 CRLF CRLF
//     sent:      [ . . . ]  8 CRLF helloyou CRLF 0 CRLF CRLF
//
// Data is moved together towards the front, the header of one chunk is put into the room before it,
// and the end behind it. So the bytes leave in one send, and none of the sender's framing is copied
// through: what the next server sees is this program's framing only (behaviour 4).
import Bytes
import HTTP
import IO

extension BodyRelay {
  /// Understands the bytes in a block and leaves there what is to be sent for them.
  ///
  /// What lies behind the end of the body becomes the surplus; what cannot be understood yet is
  /// carried on.
  mutating func take(_ block: inout ByteBuffer) throws(RelayError) {
    switch source {
    case .length(let rest):
      try takeLength(&block, rest)
    case .untilClose:
      if let extras, extras.frames != nil { takeFrames(&block, extras) }
      try count(block.count)
      if chunkedOutput { frame(&block, last: false, trailers: 0) }
    case .chunked(var decoder):
      try takeChunks(&block, &decoder)
      source = .chunked(decoder)
    }
  }

  private mutating func count(_ n: Int) throws(RelayError) {
    received += UInt64(n)
    if received > limit { throw .tooLarge }
  }

  private mutating func takeLength(_ block: inout ByteBuffer, _ rest: UInt64) throws(RelayError) {
    let n = Int(clamping: min(rest, UInt64(block.count)))
    if n < block.count {
      makeExtras().surplus = copy(block, from: n)
      block.truncate(block.count - n)
    }
    try count(n)
    source = .length(rest - UInt64(n))
    if rest == UInt64(n) { endInput() }
  }

  private mutating func takeChunks(
    _ block: inout ByteBuffer, _ decoder: inout ChunkedDecoder
  ) throws(RelayError) {
    var position = 0
    var start = -1
    var end = 0
    while true {
      let event: ChunkedDecoder.Event
      do { event = try decoder.next(block.bytes, from: &position) } catch {
        throw .sourceMalformed
      }
      switch event {
      case .data(let range):
        if start < 0 {
          start = range.lowerBound
          end = start
        }
        block.moveForward(range, to: end)
        end += range.count
      case .needMore:
        if position < block.count { makeExtras().carry = copy(block, from: position) }
        block.keep(start < 0 ? 0..<0 : start..<end)
        try count(block.count)
        if chunkedOutput, !block.isEmpty { frame(&block, last: false, trailers: 0) }
        return
      case .end(let trailers):
        if position < block.count { makeExtras().surplus = copy(block, from: position) }
        let fields = try takeTrailers(block, trailers)
        block.keep(start < 0 ? 0..<0 : start..<end)
        try count(block.count)
        endInput()
        if chunkedOutput { frame(&block, last: true, trailers: fields) }
        return
      }
    }
  }

  private func copy(_ block: borrowing ByteBuffer, from position: Int) -> ByteBuffer {
    let rest = block.bytes.extracting(position..<block.count)
    var copy = worker.buffers.borrow(rest.byteCount > 16384 ? .large : .small)
    copy.append(rest)
    return copy
  }

  /// Judges a trailer section and copies the fields that may be passed on into the worker's trailer
  /// block (RFC 9110 6.5.1, behaviour 11).
  ///
  /// - Returns: how many bytes they take.
  private func takeTrailers(
    _ block: borrowing ByteBuffer, _ range: Range<Int>
  ) throws(RelayError) -> Int {
    worker.trailerScratch.reset()
    guard range.count > 2 else { return 0 }
    let section = block.bytes.extracting(range)
    var fields = FieldLines()
    do { try HeadParser.parseTrailers(section, into: &fields) } catch { throw .sourceMalformed }
    for field in fields
    where field.known.isAllowedInTrailers && !field.flags.contains(.unusualName) {
      worker.trailerScratch.append(section.slice(field.name))
      worker.trailerScratch.append(": ")
      worker.trailerScratch.append(section.slice(field.value))
      worker.trailerScratch.append("\r\n")
    }
    return worker.trailerScratch.count
  }

  /// Makes one chunk of the block's bytes and, if it is the last, ends the body behind it.
  ///
  /// - Parameter trailers: how many bytes of trailer fields wait in the worker's trailer block.
  private mutating func frame(_ block: inout ByteBuffer, last: Bool, trailers: Int) {
    if !block.isEmpty {
      var header = InlineArray<18, UInt8>(repeating: 0)
      let first = Self.writeChunkHeader(UInt64(block.count), &header)
      block.prepend(header.span.extracting(first..<18))
      block.append("\r\n")
    }
    guard last else { return }
    guard block.tailroom < trailers + 5 else { return Self.end(&block, trailers, worker) }
    var tail = worker.buffers.borrow(.small)
    Self.end(&tail, trailers, worker)
    makeExtras().tail = tail
  }

  private static func end(_ block: inout ByteBuffer, _ trailers: Int, _ worker: WorkerState) {
    block.append("0\r\n")
    if trailers > 0 { block.append(worker.trailerScratch) }
    block.append("\r\n")
  }

  /// Writes a chunk's size and CRLF at the end of `header`; returns where they begin.
  private static func writeChunkHeader(
    _ size: UInt64, _ header: inout InlineArray<18, UInt8>
  ) -> Int {
    header[17] = 0x0a
    header[16] = 0x0d
    var first = 16
    var rest = size
    repeat {
      first -= 1
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      header[first] = digit < 10 ? 0x30 + digit : 0x57 + digit
      rest >>= 4
    } while rest > 0
    return first
  }
}
