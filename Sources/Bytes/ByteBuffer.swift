// A block of bytes with one owner: room at the front, bytes to be read, room at the back. The room
// at the front lets a head be put before a body that has already been received, so that both leave
// in one send without copying the body.

/// A fixed-capacity byte queue over one block of a `BufferPool`.
///
///     0 ......... start ............. end ........... capacity
///     headroom    readable bytes      tailroom
///
/// Worker-confined; gives its block back when it ends.
@safe
@usableFromInline
package struct ByteBuffer: ~Copyable {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let size: BlockSize
  /// Not counted as a reference, which would cost as much as borrowing: a pool that has lent
  /// something keeps itself alive.
  @usableFromInline let pool: Unmanaged<BufferPool>?
  @usableFromInline var start = 0
  @usableFromInline var end = 0

  /// SAFETY: `base` must point to `size` bytes that nothing else uses until `pool` has them back.
  @unsafe init(base: UnsafeMutableRawPointer, size: BlockSize, pool: BufferPool) {
    unsafe self.base = unsafe base
    self.size = size
    unsafe self.pool = .passUnretained(pool)
  }

  /// A buffer without a block: no bytes and no room.
  @inlinable
  package init() {
    // SAFETY: nothing is ever read from or written to a block of no bytes.
    unsafe base = UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
    size = .none
    unsafe pool = nil
  }

  @inlinable
  deinit {
    // SAFETY: the pool has not got this block back yet, so it exists.
    guard let pool = unsafe pool else { return }
    unsafe take(back: base, size, to: pool)
  }

  /// Whether there is a block behind it.
  @inlinable package var hasBlock: Bool { size != .none }

  @inlinable package var capacity: Int { size.rawValue }
  /// How many bytes are there to be read.
  // Not checked for overflow, as 0 <= start <= end <= capacity always.
  @inlinable package var count: Int { end &- start }
  @inlinable package var isEmpty: Bool { end == start }
  /// How many bytes can be put before the readable ones.
  @inlinable package var headroom: Int { start }
  /// How many bytes can be appended.
  @inlinable package var tailroom: Int { size.rawValue &- end }

  /// Forgets all bytes and leaves `headroom` bytes free at the front.
  @inlinable
  package mutating func reset(headroom: Int = 0) {
    precondition(headroom >= 0 && headroom <= size.rawValue)
    start = headroom
    end = headroom
  }

  /// Lends the readable bytes. For a buffer that is a class's property, whose `bytes` would end
  /// with the access.
  @inlinable
  package borrowing func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(bytes)
  }

  /// The readable bytes.
  @inlinable
  package var bytes: RawSpan {
    @_lifetime(borrow self)
    borrowing get {
      // SAFETY: start...end lies within the block, which lives as long as self is borrowed.
      let span = unsafe RawSpan(_unsafeStart: base + start, byteCount: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The readable bytes, to be changed in place.
  package var mutableBytes: MutableRawSpan {
    @_lifetime(&self)
    mutating get {
      // SAFETY: as for `bytes`, and self is exclusively borrowed.
      let span = unsafe MutableRawSpan(_unsafeStart: base + start, byteCount: end - start)
      return unsafe _overrideLifetime(span, mutating: &self)
    }
  }

  /// Drops `count` bytes from the front; they become headroom.
  @inlinable
  package mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= self.count)
    start += count
  }

  /// Drops `count` bytes from the back; they become tailroom.
  @inlinable
  package mutating func truncate(_ count: Int) {
    precondition(count >= 0 && count <= self.count)
    end -= count
  }

  /// Copies the readable bytes at `range` over those at `offset`, further to the front.
  ///
  /// - Precondition: the range lies within the readable bytes and `offset` is not behind its start.
  package mutating func moveForward(_ range: Range<Int>, to offset: Int) {
    precondition(range.upperBound <= count && offset >= 0 && offset <= range.lowerBound)
    guard offset < range.lowerBound else { return }
    // SAFETY: both ranges lie within the readable bytes; memmove allows them to overlap.
    unsafe (base + start + offset).copyMemory(
      from: base + start + range.lowerBound, byteCount: range.count)
  }

  /// Drops all readable bytes but those at `range`.
  package mutating func keep(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    end = start + range.upperBound
    start += range.lowerBound
  }

  /// Moves the readable bytes to offset `headroom`, so that the rest of the block is tailroom.
  package mutating func compact(headroom: Int = 0) {
    precondition(headroom >= 0 && headroom + count <= size.rawValue)
    guard start != headroom else { return }
    // SAFETY: both ranges lie within the block; memmove allows them to overlap.
    unsafe (base + headroom).copyMemory(from: base + start, byteCount: count)
    end = headroom + count
    start = headroom
  }

  /// Lends the tailroom to `fill`, which says how many bytes it wrote there.
  ///
  /// - Returns: what `fill` returned; a negative number is an error of its own and adds nothing.
  @inlinable
  @unsafe package mutating func appendUnsafe(
    limit: Int = .max, _ fill: (UnsafeMutableRawBufferPointer) -> Int
  ) -> Int {
    // SAFETY: end..<capacity is ours alone; `fill` must not write past what it was lent.
    let room = unsafe UnsafeMutableRawBufferPointer(start: base + end, count: min(limit, tailroom))
    let n = unsafe fill(room)
    if n > 0 {
      precondition(n <= room.count)
      end += n
    }
    return n
  }

  /// Appends bytes.
  ///
  /// - Precondition: they fit in the tailroom.
  // One function for all its callers: each copy of it would take its place in the first-level cache.
  @usableFromInline
  @inline(never)
  package mutating func append(_ bytes: RawSpan) {
    let n = bytes.byteCount
    precondition(n <= tailroom)
    let to = unsafe base + end
    end &+= n
    // SAFETY: the tailroom was checked, and a borrowed span cannot overlap room we own alone.
    unsafe bytes.withUnsafeBytes { source in
      guard let from = source.baseAddress else { return }
      unsafe Self.copy(from, to, n)
    }
  }

  /// Copies bytes; up to 64 by two loads and two stores or four of each, which overlap where the bytes
  /// are fewer. Most pieces of a head are that short, and a call of memcpy costs more than the copy.
  ///
  /// SAFETY: `n` bytes can be read at `from` and written at `to`, and the two do not overlap.
  @inline(__always)
  @unsafe private static func copy(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ n: Int
  ) {
    typealias Block = SIMD16<UInt8>
    if n >= 16, n <= 64 {
      let head = unsafe from.loadUnaligned(as: Block.self)
      let tail = unsafe from.loadUnaligned(fromByteOffset: n &- 16, as: Block.self)
      if n > 32 {
        let second = unsafe from.loadUnaligned(fromByteOffset: 16, as: Block.self)
        let third = unsafe from.loadUnaligned(fromByteOffset: n &- 32, as: Block.self)
        unsafe to.storeBytes(of: second, toByteOffset: 16, as: Block.self)
        unsafe to.storeBytes(of: third, toByteOffset: n &- 32, as: Block.self)
      }
      unsafe to.storeBytes(of: head, as: Block.self)
      unsafe to.storeBytes(of: tail, toByteOffset: n &- 16, as: Block.self)
    } else if n >= 8, n < 16 {
      let head = unsafe from.loadUnaligned(as: UInt64.self)
      let tail = unsafe from.loadUnaligned(fromByteOffset: n &- 8, as: UInt64.self)
      unsafe to.storeBytes(of: head, as: UInt64.self)
      unsafe to.storeBytes(of: tail, toByteOffset: n &- 8, as: UInt64.self)
    } else {
      unsafe to.copyMemory(from: from, byteCount: n)
    }
  }

  /// Appends the bytes of a literal, which are known where this is inlined: some stores, no call.
  @inlinable
  @inline(__always)
  package mutating func append(_ text: StaticString) {
    let n = text.utf8CodeUnitCount
    precondition(n <= tailroom)
    // SAFETY: a StaticString's bytes live for ever; the tailroom was checked.
    unsafe (base + end).copyMemory(from: text.utf8Start, byteCount: n)
    end &+= n
  }

  /// Appends a string's UTF-8. A literal is a StaticString, which costs a tenth.
  @_disfavoredOverload
  package mutating func append(_ text: String) {
    var text = text
    text.makeContiguousUTF8()
    append(text.utf8Span.span)
  }

  /// Appends bytes.
  ///
  /// - Precondition: they fit in the tailroom.
  @inlinable
  package mutating func append(_ bytes: Span<UInt8>) {
    // SAFETY: a UInt8 has no padding that could be read.
    unsafe append(bytes.bytes)
  }

  /// Appends one byte.
  @inlinable
  package mutating func append(_ byte: UInt8) {
    precondition(end < size.rawValue)
    // SAFETY: end was checked to lie inside the block.
    unsafe base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
    end &+= 1
  }

  /// Appends bytes.
  ///
  /// - Precondition: they fit in the tailroom.
  @inlinable
  package mutating func append(_ bytes: [UInt8]) {
    append(bytes.span)
  }

  /// Appends the readable bytes of another buffer.
  ///
  /// - Precondition: they fit in the tailroom.
  @inlinable
  package mutating func append(_ other: borrowing ByteBuffer) {
    append(other.bytes)
  }

  /// Appends those readable bytes of another buffer that lie at `range`.
  ///
  /// - Precondition: they fit in the tailroom.
  @inlinable
  package mutating func append(_ other: borrowing ByteBuffer, _ range: Range<Int>) {
    append(other.bytes.extracting(range))
  }

  /// Puts the readable bytes of another buffer before the own ones.
  ///
  /// - Precondition: they fit in the headroom.
  @inlinable
  package mutating func prepend(_ other: borrowing ByteBuffer) {
    prepend(other.bytes)
  }

  /// Appends the eight bytes of a word, the lowest first.
  ///
  /// - Precondition: they fit in the tailroom.
  @inlinable
  package mutating func append(word: UInt64) {
    precondition(tailroom >= 8)
    // SAFETY: the tailroom was checked; storeBytes needs no alignment.
    unsafe base.storeBytes(of: word.littleEndian, toByteOffset: end, as: UInt64.self)
    end &+= 8
  }

  /// Puts bytes before the readable ones.
  ///
  /// - Precondition: they fit in the headroom.
  package mutating func prepend(_ bytes: Span<UInt8>) {
    // SAFETY: a UInt8 has no padding that could be read.
    unsafe prepend(bytes.bytes)
  }

  /// Puts bytes before the readable ones.
  ///
  /// - Precondition: they fit in the headroom.
  @inlinable
  package mutating func prepend(_ bytes: RawSpan) {
    let n = bytes.byteCount
    precondition(n <= start)
    // SAFETY: the headroom was checked, and a borrowed span cannot overlap room we own alone.
    unsafe bytes.withUnsafeBytes { source in
      guard let from = source.baseAddress else { return }
      unsafe (base + start - n).copyMemory(from: from, byteCount: n)
    }
    start -= n
  }
}
