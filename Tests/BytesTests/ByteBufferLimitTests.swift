// Each limit of the byte buffer from both sides: the last thing that fits, and the first that does
// not and stops the program rather than write past the block.
import Bytes
import Testing

@Suite struct ByteBufferLimitTests {
  @Test func `a block can be filled to its last byte`() {
    var buffer = BufferPool().borrow(.small)
    let block = [UInt8](repeating: 1, count: 16383)
    buffer.append(block.span)
    buffer.append(2)
    #expect(buffer.tailroom == 0)
    #expect(buffer.count == 16384)
  }

  @Test func `a byte too many stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      buffer.reset(headroom: 16384)
      buffer.append(1)
    }
  }

  @Test func `a span too long stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      buffer.append([UInt8](repeating: 1, count: 16385).span)
    }
  }

  @Test func `a literal too long stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      buffer.reset(headroom: 16383)
      buffer.append("ab")
    }
  }

  @Test func `a prefix longer than the headroom stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      buffer.reset(headroom: 1)
      unsafe buffer.prepend([UInt8](repeating: 1, count: 2).span.bytes)
    }
  }

  @Test func `consuming more than there is stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      buffer.append("ab")
      buffer.consume(3)
    }
  }

  @Test func `consuming less than nothing stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      buffer.append("ab")
      buffer.consume(1)
      buffer.consume(-1)
    }
  }

  @Test func `truncating more than there is stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      buffer.append("ab")
      buffer.truncate(3)
    }
  }

  @Test func `headroom beyond the block stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      buffer.reset(headroom: 16385)
    }
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      buffer.append("ab")
      buffer.compact(headroom: 16383)
    }
  }

  @Test func `claiming to have written more than was lent stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var buffer = BufferPool().borrow(.small)
      _ = unsafe buffer.appendUnsafe(limit: 4) { _ in 5 }
    }
  }

  @Test func `the limits themselves do not stop the program`() {
    var buffer = BufferPool().borrow(.small)
    buffer.reset(headroom: 16382)
    buffer.append("ab")
    unsafe buffer.prepend([UInt8](repeating: 1, count: 16382).span.bytes)
    #expect(buffer.count == 16384)
    buffer.truncate(16384)
    buffer.consume(0)
    let outcome = unsafe buffer.appendUnsafe(limit: 4) { _ in 4 }
    #expect(outcome == 4)
    buffer.consume(4)
    #expect(buffer.count == 0)
  }
}
