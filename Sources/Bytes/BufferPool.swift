// Blocks of memory that a worker borrows while bytes are in flight and never gives back to the
// system between requests: a page fault costs more than parsing a request (1.8 us).

/// The sizes of block a pool lends.
@usableFromInline
package enum BlockSize: Int, Sendable {
  /// No block at all.
  case none = 0
  /// 16 KiB: a message head, or a small body.
  case small = 16384
  /// 64 KiB: what one receive takes from a fast peer; also the largest head.
  case large = 65536
  /// 65 KiB: what 64 KiB become under TLS, with 256 bytes for the frame of each record.
  case wire = 66560
  /// 128 KiB: the largest head with what is added to it. Not kept.
  case huge = 131072
}

/// A worker's store of free blocks, one stack per size, so that the block used last, which is
/// still in the processor's cache, is lent first. A free block holds the address of the next.
///
/// Worker-confined. A block that comes back when its stack is full is freed. As long as a block is
/// lent out the pool holds a reference to itself, so that buffers need not count theirs.
@safe
@usableFromInline
package final class BufferPool {
  private var small = Stack()
  private var large = Stack()
  private var wire = Stack()
  private let limit: Int

  /// Blocks that are lent out now, of either size.
  package private(set) var lent = 0

  /// - Parameter limit: how many free blocks of each size are kept.
  package init(keeping limit: Int = 256) {
    self.limit = limit
  }

  deinit {
    while let block = unsafe small.pop() { unsafe block.deallocate() }
    while let block = unsafe large.pop() { unsafe block.deallocate() }
    while let block = unsafe wire.pop() { unsafe block.deallocate() }
  }

  /// How many free blocks of a size are kept now.
  package func free(_ size: BlockSize) -> Int {
    switch size {
    case .none, .huge: 0
    case .small: small.count
    case .large: large.count
    case .wire: wire.count
    }
  }

  /// Lends a block as an empty buffer; the buffer gives it back when it ends.
  package func borrow(_ size: BlockSize) -> ByteBuffer {
    // A worker's scratch blocks are always out, so on the path of a request this is a comparison.
    if lent == 0 { _ = unsafe Unmanaged.passRetained(self) }
    lent += 1
    let free =
      switch size {
      case .none: preconditionFailure("nothing to borrow")
      case .small: unsafe small.pop()
      case .large: unsafe large.pop()
      case .wire: unsafe wire.pop()
      case .huge: unsafe UnsafeMutableRawPointer?.none
      }
    let base =
      unsafe free ?? .allocate(byteCount: size.rawValue, alignment: MemoryLayout<Int>.alignment)
    return unsafe ByteBuffer(base: base, size: size, pool: self)
  }

  /// SAFETY: called only by `ByteBuffer.deinit`, which owned the block alone.
  ///
  /// - Returns: whether it was the last that was out; then the caller releases the pool, for `borrow`.
  @usableFromInline
  @unsafe func take(back base: UnsafeMutableRawPointer, _ size: BlockSize) -> Bool {
    lent -= 1
    switch size {
    case .small where small.count < limit: unsafe small.push(base)
    case .large where large.count < limit: unsafe large.push(base)
    case .wire where wire.count < limit: unsafe wire.push(base)
    default: unsafe base.deallocate()
    }
    return lent == 0
  }
}

/// Free blocks, linked through their first words.
@safe
private struct Stack {
  private var top: UnsafeMutableRawPointer?
  private(set) var count = 0

  // SAFETY: every block in a stack is free, so its first word is the stack's to use.
  mutating func push(_ block: UnsafeMutableRawPointer) {
    unsafe block.storeBytes(of: top, as: UnsafeMutableRawPointer?.self)
    unsafe top = block
    count += 1
  }

  mutating func pop() -> UnsafeMutableRawPointer? {
    guard let block = unsafe top else { return nil }
    unsafe top = block.load(as: UnsafeMutableRawPointer?.self)
    count -= 1
    return unsafe block
  }
}
