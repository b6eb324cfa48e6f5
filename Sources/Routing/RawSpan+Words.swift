// Looking at bytes eight at a time, which is what makes a look-up by name cost less than the
// request's other parts. The only file of the tables that loads from memory unchecked.

extension RawSpan {
  /// The byte at `offset`, bounds-checked.
  @inline(__always)
  func octet(_ offset: Int) -> UInt8 {
    precondition(UInt(bitPattern: offset) < UInt(bitPattern: byteCount))
    // SAFETY: the offset was checked, and every bit pattern is a UInt8.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// The next eight bytes from `offset` on, the first one lowest; zeros where the span ends before.
  @inline(__always)
  func word(_ offset: Int) -> UInt64 {
    precondition(UInt(bitPattern: offset) <= UInt(bitPattern: byteCount))
    let left = byteCount &- offset
    if left >= 8 {
      // SAFETY: eight bytes from the offset on lie within the span.
      return unsafe UInt64(
        littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }
    guard left > 0 else { return 0 }
    if byteCount >= 8 {
      // The span's last eight bytes, without those before the offset.
      // SAFETY: the span has eight bytes.
      let last = unsafe UInt64(
        littleEndian: unsafeLoadUnaligned(
          fromUncheckedByteOffset: byteCount &- 8, as: UInt64.self))
      return last >> UInt64((8 &- left) &* 8)
    }
    var word: UInt64 = 0
    for i in 0..<left { word |= UInt64(octet(offset &+ i)) << UInt64(i &* 8) }
    return word
  }

  /// How many bytes this span and another one have in common from their starts on.
  @inline(__always)
  func commonPrefix(_ other: RawSpan) -> Int {
    let shorter = Swift.min(byteCount, other.byteCount)
    var i = 0
    while i &+ 8 <= shorter {
      let difference = word(i) ^ other.word(i)
      if difference != 0 { return i &+ difference.trailingZeroBitCount / 8 }
      i &+= 8
    }
    // Seven at most; putting a word together of them takes longer.
    while i < shorter, octet(i) == other.octet(i) { i &+= 1 }
    return i
  }
}

extension UInt64 {
  /// Eight bytes with each ASCII capital letter made small; other bytes stay.
  @inline(__always)
  var lowercasedASCII: UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let sevenBits = self & (ones &* 0x7f)
    // The highest bit of each byte: set from "A" on, and set beyond "Z".
    let fromA = sevenBits &+ (ones &* (0x80 - 0x41))
    let beyondZ = sevenBits &+ (ones &* (0x7f - 0x5a))
    let isCapital = (fromA ^ beyondZ) & ~self & (ones &* 0x80)
    return self | isCapital >> 2
  }
}

extension Array where Element == UInt8 {
  /// The bytes at `start`, `count` of them, for as long as `use` runs.
  @inline(__always)
  package func withBytes<Result>(
    _ start: Int, _ count: Int, _ use: (RawSpan) -> Result
  ) -> Result {
    // SAFETY: a UInt8 has no padding that could be read.
    unsafe use(span.extracting(start..<start &+ count).bytes)
  }

  /// All bytes, for as long as `use` runs.
  package func withBytes<Result>(_ use: (RawSpan) -> Result) -> Result {
    withBytes(0, count, use)
  }
}
