// Blocks of memory that a worker borrows while bytes are in flight and never gives back to the
// system between requests: a page fault costs more than parsing a request (1.8 us).

/// The sizes of block a pool lends: a number of bytes, not an enumeration, whose raw values would be
/// looked up in a table by each append.
@usableFromInline
package struct BlockSize: Equatable, Sendable {
  /// How many bytes there are in a block.
  @usableFromInline package let rawValue: Int

  @inlinable init(_ bytes: Int) { rawValue = bytes }

  /// No block at all.
  @inlinable package static var none: BlockSize { BlockSize(0) }
  /// 16 KiB: a message head, or a small body.
  @inlinable package static var small: BlockSize { BlockSize(16384) }
  /// 64 KiB: what one receive takes from a fast peer; also the largest head.
  @inlinable package static var large: BlockSize { BlockSize(65536) }
  /// 65 KiB: what 64 KiB become under TLS, with 256 bytes for the frame of each record.
  @inlinable package static var wire: BlockSize { BlockSize(66560) }
  /// 128 KiB: the largest head with what is added to it. Not kept.
  @inlinable package static var huge: BlockSize { BlockSize(131072) }

  @inlinable
  package static func == (a: BlockSize, b: BlockSize) -> Bool { a.rawValue == b.rawValue }
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
    case .small: small.count
    case .large: large.count
    case .wire: wire.count
    default: 0
    }
  }

  /// Lends a block as an empty buffer; the buffer gives it back when it ends.
  package func borrow(_ size: BlockSize) -> ByteBuffer {
    // A worker's scratch blocks are always out, so on the path of a request this is a comparison.
    if lent == 0 { _ = unsafe Unmanaged.passRetained(self) }
    lent &+= 1
    let free = size == .small ? unsafe small.pop() : unsafe takeOther(size)
    return unsafe ByteBuffer(base: free ?? Self.allocate(size), size: size, pool: self)
  }

  // What a request needs rarely or never is apart, so that its code is not in between.
  @inline(never)
  @unsafe private func takeOther(_ size: BlockSize) -> UnsafeMutableRawPointer? {
    switch size {
    case .none: preconditionFailure("nothing to borrow")
    case .large: unsafe large.pop()
    case .wire: unsafe wire.pop()
    default: nil
    }
  }

  @inline(never)
  @unsafe private static func allocate(_ size: BlockSize) -> UnsafeMutableRawPointer {
    .allocate(byteCount: size.rawValue, alignment: MemoryLayout<Int>.alignment)
  }

  /// - Returns: whether it was the last that was out.
  @inline(__always)
  @unsafe fileprivate func take(back base: UnsafeMutableRawPointer, _ size: BlockSize) -> Bool {
    if size == .small, small.count < limit {
      unsafe small.push(base)
    } else {
      unsafe takeRarely(back: base, size)
    }
    lent &-= 1
    return lent == 0
  }

  @inline(never)
  @unsafe private func takeRarely(back base: UnsafeMutableRawPointer, _ size: BlockSize) {
    switch size {
    case .large where large.count < limit: unsafe large.push(base)
    case .wire where wire.count < limit: unsafe wire.push(base)
    default: unsafe base.deallocate()
    }
  }
}

/// Takes a block back. Not a method of the type, for which its metadata would be looked up each time.
///
/// SAFETY: called only by `ByteBuffer.deinit`, which owned the block alone. The pool exists until its
/// last block is back, for `borrow`.
@usableFromInline
@unsafe func take(
  back base: UnsafeMutableRawPointer, _ size: BlockSize, to pool: Unmanaged<BufferPool>
) {
  let isLast = unsafe pool._withUnsafeGuaranteedRef { unsafe $0.take(back: base, size) }
  if isLast { unsafe pool.release() }
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
    count &+= 1
  }

  mutating func pop() -> UnsafeMutableRawPointer? {
    guard let block = unsafe top else { return nil }
    unsafe top = block.load(as: UnsafeMutableRawPointer?.self)
    count &-= 1
    return unsafe block
  }
}
