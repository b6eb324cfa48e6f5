// The byte buffer: what goes in comes out, room is counted exactly, and going past it stops the
// program.
import Bytes
import Testing

/// The readable bytes as text.
func text(_ buffer: borrowing ByteBuffer) -> String {
  let bytes = buffer.bytes
  return String(
    decoding: (0..<bytes.byteCount).map { bytes.unsafeLoad($0) }, as: UTF8.self)
}

extension RawSpan {
  fileprivate func unsafeLoad(_ i: Int) -> UInt8 {
    // SAFETY: a UInt8 may have any value, and the span checks the offset.
    unsafe unsafeLoad(fromByteOffset: i, as: UInt8.self)
  }
}

@Suite struct ByteBufferTests {
  private let pool = BufferPool()

  @Test(arguments: [(BlockSize.small, 16384), (.large, 65536)])
  func `a borrowed buffer is empty and all of it is tailroom`(size: BlockSize, bytes: Int) {
    let buffer = pool.borrow(size)
    #expect(buffer.count == 0)
    #expect(buffer.capacity == bytes)
    #expect(buffer.tailroom == bytes)
    #expect(buffer.headroom == 0)
  }

  @Test func `bytes come out in the order in which they went in`() {
    var buffer = pool.borrow(.small)
    buffer.append("GET ")
    buffer.append(String("/caf\u{e9}"))
    buffer.append(UInt8(ascii: "?"))
    let query: [UInt8] = [0x71, 0x3d]
    buffer.append(query.span)
    unsafe buffer.append(query.span.bytes)
    #expect(text(buffer) == "GET /caf\u{e9}?q=q=")
    #expect(buffer.count == 15)
    #expect(buffer.tailroom == 16384 - 15)
  }

  @Test(arguments: 0...140)
  func `pieces of every length are copied whole, and nothing beside them`(length: Int) {
    var buffer = pool.borrow(.small)
    for _ in 0..<400 { buffer.append(UInt8(ascii: ".")) }
    buffer.truncate(399)
    let piece = (0..<length).map { UInt8(65 + $0 % 26) }
    buffer.append(piece)
    // What is behind the piece is shown again, as it was.
    let behind = unsafe buffer.appendUnsafe(limit: 1) { $0.count }
    #expect(behind == 1)
    #expect(text(buffer) == "." + String(decoding: piece, as: UTF8.self) + ".")
  }

  @Test func `an empty append changes nothing`() {
    var buffer = pool.borrow(.small)
    buffer.append("")
    buffer.append(String(""))
    buffer.append([UInt8]().span)
    unsafe buffer.prepend([UInt8]().span.bytes)
    #expect(buffer.count == 0)
  }

  @Test func `consumed bytes become headroom, truncated ones tailroom`() {
    var buffer = pool.borrow(.small)
    buffer.append("abcdef")
    buffer.consume(2)
    buffer.truncate(1)
    #expect(text(buffer) == "cde")
    #expect(buffer.headroom == 2)
    #expect(buffer.tailroom == 16384 - 5)
    buffer.consume(3)
    #expect(buffer.count == 0)
  }

  @Test func `a head can be put before a body in the headroom left for it`() {
    var buffer = pool.borrow(.small)
    buffer.reset(headroom: 5)
    buffer.append("body")
    let head: [UInt8] = Array("head ".utf8)
    unsafe buffer.prepend(head.span.bytes)
    #expect(text(buffer) == "head body")
    #expect(buffer.headroom == 0)
  }

  @Test func `compacting moves the bytes to the headroom asked for, either way`() {
    var buffer = pool.borrow(.small)
    buffer.append("abcdef")
    buffer.consume(3)
    buffer.compact()
    #expect(text(buffer) == "def")
    #expect(buffer.headroom == 0)
    buffer.compact(headroom: 2)
    #expect(text(buffer) == "def")
    #expect(buffer.headroom == 2)
    #expect(buffer.tailroom == 16384 - 5)
  }

  @Test func `bytes can be compacted to the very end of the block`() {
    var buffer = pool.borrow(.small)
    buffer.append("ab")
    buffer.compact(headroom: 16382)
    #expect(text(buffer) == "ab")
    #expect(buffer.tailroom == 0)
  }

  @Test func `resetting forgets the bytes`() {
    var buffer = pool.borrow(.small)
    buffer.append("abc")
    buffer.reset(headroom: 16384)
    #expect(buffer.count == 0)
    #expect(buffer.tailroom == 0)
    buffer.reset()
    #expect(buffer.tailroom == 16384)
  }

  @Test func `bytes can be changed in place`() {
    var buffer = pool.borrow(.small)
    buffer.append("xay")
    buffer.consume(1)
    var bytes = buffer.mutableBytes
    bytes.storeBytes(of: UInt8(ascii: "b"), as: UInt8.self)
    #expect(text(buffer) == "by")
  }

  @Test func `lent tailroom is as large as was asked for, or as there is`() {
    var buffer = pool.borrow(.small)
    buffer.reset(headroom: 16380)
    var lent: [Int] = []
    for limit in [3, 4, 5, .max] {
      let n = unsafe buffer.appendUnsafe(limit: limit) { room in
        lent.append(room.count)
        return 0
      }
      #expect(n == 0)
    }
    #expect(lent == [3, 4, 4, 4])
    #expect(buffer.count == 0)
  }

  @Test func `what was written into lent tailroom is appended, an error is passed on`() {
    var buffer = pool.borrow(.small)
    let written = unsafe buffer.appendUnsafe { room in
      unsafe room[0] = UInt8(ascii: "x")
      return 1
    }
    #expect(written == 1)
    let outcome = unsafe buffer.appendUnsafe { _ in -11 }
    #expect(outcome == -11)
    #expect(text(buffer) == "x")
  }
}
