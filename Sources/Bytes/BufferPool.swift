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
}

/// A worker's store of free blocks, one stack per size, so that the block used last, which is
/// still in the processor's cache, is lent first.
///
/// Worker-confined. A block that comes back when its stack is full is freed.
@safe
@usableFromInline
package final class BufferPool {
  private var small: [UnsafeMutableRawPointer] = unsafe []
  private var large: [UnsafeMutableRawPointer] = unsafe []
  private let limit: Int

  /// Blocks that are lent out now, of either size.
  package private(set) var lent = 0

  /// - Parameter limit: how many free blocks of each size are kept.
  package init(keeping limit: Int = 256) {
    self.limit = limit
    unsafe small.reserveCapacity(limit)
    unsafe large.reserveCapacity(limit)
  }

  deinit {
    unsafe (small + large).forEach { unsafe $0.deallocate() }
  }

  /// How many free blocks of a size are kept now.
  package func free(_ size: BlockSize) -> Int {
    switch size {
    case .none: 0
    case .small: unsafe small.count
    case .large: unsafe large.count
    }
  }

  /// Lends a block as an empty buffer; the buffer gives it back when it ends.
  package func borrow(_ size: BlockSize) -> ByteBuffer {
    lent += 1
    let free =
      switch size {
      case .none: preconditionFailure("nothing to borrow")
      case .small: unsafe small.popLast()
      case .large: unsafe large.popLast()
      }
    let base =
      unsafe free ?? .allocate(byteCount: size.rawValue, alignment: MemoryLayout<Int>.alignment)
    return unsafe ByteBuffer(base: base, size: size, pool: self)
  }

  /// SAFETY: called only by `ByteBuffer.deinit`, which owned the block alone.
  @unsafe func take(back base: UnsafeMutableRawPointer, _ size: BlockSize) {
    lent -= 1
    switch size {
    case .small where unsafe small.count < limit: unsafe small.append(base)
    case .large where unsafe large.count < limit: unsafe large.append(base)
    default: unsafe base.deallocate()
    }
  }
}
