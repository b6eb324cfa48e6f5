// The pool: blocks go round, the last one first, and no more are kept than it was told to.
import Bytes
import Testing

/// Where a buffer's block lies.
private func address(_ buffer: borrowing ByteBuffer) -> UInt {
  // SAFETY: only the number is kept.
  unsafe buffer.bytes.withUnsafeBytes { bytes in UInt(bitPattern: bytes.baseAddress) }
}

@Suite struct BufferPoolTests {
  @Test func `a block that was given back is lent again, the last one first`() {
    let pool = BufferPool()
    let first = pool.borrow(.small)
    let second = pool.borrow(.small)
    let places = [address(first), address(second)]
    #expect(places[0] != places[1])
    _ = consume first
    _ = consume second
    let third = pool.borrow(.small)
    let fourth = pool.borrow(.small)
    #expect([address(third), address(fourth)] == [places[1], places[0]])
  }

  @Test func `a block that was given back is lent empty`() {
    let pool = BufferPool()
    do {
      var used = pool.borrow(.small)
      used.append("secret")
    }
    let again = pool.borrow(.small)
    #expect(again.count == 0)
  }

  @Test func `small and large blocks are kept apart`() {
    let pool = BufferPool()
    let place: UInt
    do {
      let small = pool.borrow(.small)
      place = address(small)
    }
    let large = pool.borrow(.large)
    let small = pool.borrow(.small)
    #expect(large.capacity == 65536)
    #expect(small.capacity == 16384)
    #expect(address(small) == place)
  }

  @Test func `the pool counts what it has lent`() {
    let pool = BufferPool(keeping: 0)
    #expect(pool.lent == 0)
    do {
      let small = pool.borrow(.small)
      let large = pool.borrow(.large)
      #expect(pool.lent == 2)
      #expect(small.count + large.count == 0)
    }
    #expect(pool.lent == 0)
  }

  @Test(arguments: [BlockSize.small, .large])
  func `as many blocks are kept as the pool may keep, and one more is not`(size: BlockSize) {
    let pool = BufferPool(keeping: 2)
    do {
      let first = pool.borrow(size)
      let second = pool.borrow(size)
      let third = pool.borrow(size)
      #expect(first.count + second.count + third.count == 0)
      #expect(pool.free(size) == 0)
    }
    #expect(pool.free(size) == 2)
  }
}
