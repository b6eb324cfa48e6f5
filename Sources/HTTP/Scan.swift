// Searching bytes sixteen at a time: the only file of the parser that loads what it has checked by
// itself. Each load is kept inside the span, so nothing outside can make it read beyond.
import CScan

/// Sixteen bytes of a message, the first of them in lane 0.
typealias Group = SIMD16<UInt8>

extension RawSpan {
  /// Whether `count` bytes, which is a positive constant, lie at `offset` within the span.
  @inline(__always)
  private func has(_ count: Int, at offset: Int) -> Bool {
    // As unsigned numbers, so that one comparison checks both ends; what it compares with is the
    // same for all offsets.
    UInt(bitPattern: offset) < UInt(bitPattern: max(byteCount &- (count &- 1), 0))
  }

  /// The 16 bytes at `offset`; those that would lie behind the span's end are NUL.
  ///
  /// - Precondition: `offset` lies within the span or at its end.
  @inline(__always)
  func group(at offset: Int) -> Group {
    guard has(16, at: offset) else { return lastGroup(at: offset) }
    // SAFETY: the 16 bytes were just checked to lie within the span.
    return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Group.self)
  }

  /// `group`, where the span ends within it.
  @inline(never)
  private func lastGroup(at offset: Int) -> Group {
    precondition(UInt(bitPattern: offset) <= UInt(bitPattern: byteCount))
    var bytes: UInt128 = 0
    if byteCount >= 16 {
      // What lies before `offset` is shifted out at the low end, and NULs come in at the high one.
      // SAFETY: there are 16 bytes, so their last 16 lie within the span.
      let last = unsafe unsafeLoadUnaligned(
        fromUncheckedByteOffset: byteCount &- 16, as: UInt128.self)
      bytes = UInt128(littleEndian: last) >> UInt128(8 &* (offset &- (byteCount &- 16)))
    } else if let first = word(at: offset), let last = word(at: byteCount &- 8) {
      // Two words that overlap; what both hold is shifted out of the second.
      bytes = UInt128(last >> UInt64(8 &* (offset &+ 16 &- byteCount))) << 64 | UInt128(first)
    } else if let first = quad(at: offset), let last = quad(at: byteCount &- 4) {
      let rest = (UInt64(last) << 32) >> UInt64(8 &* (offset &+ 8 &- byteCount))
      bytes = UInt128(rest & ~0xffff_ffff | UInt64(first))
    } else {
      for i in stride(from: byteCount - 1, through: offset, by: -1) {
        bytes = bytes << 8 | UInt128(self[i])
      }
    }
    // SAFETY: both are 16 bytes, of which every bit pattern is valid.
    return unsafe unsafeBitCast(bytes.littleEndian, to: Group.self)
  }

  /// The first offset from `start` on whose bit is set by `mask`; `byteCount` if there is none.
  ///
  /// - Parameter mask: classifies 16 bytes, bit i for byte i; a NUL's bit must be set, for it is a
  ///   NUL behind the end that ends the search.
  /// - Precondition: `start` lies within the span or at its end.
  @inline(__always)
  private func first(from start: Int, mask: (Group) -> UInt32) -> Int {
    precondition(start >= 0)
    var i = start
    while i <= byteCount &- 16 {
      // SAFETY: 0 <= start <= i <= byteCount - 16, so the 16 bytes lie within the span.
      let found = mask(
        unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: Group.self))
      if found != 0 { return i &+ found.trailingZeroBitCount }
      i &+= 16
    }
    return i &+ mask(lastGroup(at: i)).trailingZeroBitCount
  }

  /// The first control byte (but HTAB) from `start` on; `byteCount` if there is none.
  @inline(__always)
  func firstControl(from start: Int) -> Int { first(from: start, mask: cscan_controls) }

  /// The first byte from `start` on that is not a letter, a digit or "-".
  @inline(__always)
  func firstNonName(from start: Int) -> Int { first(from: start, mask: cscan_not_name) }

  /// The first byte from `start` on that is not a letter, a digit, "-" or ".".
  @inline(__always)
  func firstNonHost(from start: Int) -> Int { first(from: start, mask: cscan_not_host) }

  /// The first byte from `start` on that is not visible ASCII, or is "#" or "?".
  @inline(__always)
  func firstTargetEnd(from start: Int) -> Int { first(from: start, mask: cscan_target_ends) }

  /// The first byte that may keep a path from being normal: an escape, a byte that has no place in
  /// a path, or a "/" or "." right after a "/". Nil if there is none: the path is normal.
  func firstPathOddity() -> Int? {
    var i = 0
    var afterSlash: UInt32 = 0
    while true {
      let bytes = group(at: i)
      let slashes = cscan_slashes(bytes)
      let found =
        cscan_path_oddities(bytes) | ((slashes << 1 | afterSlash) & cscan_slashes_and_dots(bytes))
      if found != 0 {
        let offset = i &+ found.trailingZeroBitCount
        return offset < byteCount ? offset : nil
      }
      afterSlash = slashes >> 15
      i &+= 16
    }
  }

  /// Whether the bytes, which must be a token, are `lowercased` but for the case of letters.
  ///
  /// Setting bit 5 of each byte lowers the letters and leaves digits and "-" as they are; of the
  /// bytes a token may hold, only "^" and "_" turn into something else, "~" and DEL, and no name
  /// that is looked for holds those. A literal's words become constants, so that a comparison is
  /// one or two loads.
  @inline(__always)
  func isName(_ lowercased: StaticString) -> Bool {
    let count = lowercased.utf8CodeUnitCount
    guard byteCount == count, count >= 2 else { return false }
    return unsafe withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return false }
      let name = unsafe UnsafeRawPointer(lowercased.utf8Start)
      // SAFETY: both hold `count` bytes and every load ends at or before `count`.
      if count >= 8 {
        var i = 0
        while i + 8 <= count {
          guard unsafe same(base, name, i, UInt64(0x2020_2020_2020_2020)) else { return false }
          i += 8
        }
        return unsafe same(base, name, count - 8, UInt64(0x2020_2020_2020_2020))
      }
      if count >= 4 {
        return unsafe same(base, name, 0, UInt32(0x2020_2020))
          && same(base, name, count - 4, UInt32(0x2020_2020))
      }
      return unsafe same(base, name, 0, UInt16(0x2020))
        && same(base, name, count - 2, UInt16(0x2020))
    }
  }

  /// The bytes from `start` to `end`, as `extracting`, at the price of two comparisons.
  @_lifetime(copy self)
  @inline(__always)
  func piece(from start: Int, to end: Int) -> RawSpan {
    precondition(
      UInt(bitPattern: end) <= UInt(bitPattern: byteCount)
        && UInt(bitPattern: start) <= UInt(bitPattern: end))
    // SAFETY: 0 <= start <= end <= byteCount was just checked.
    return unsafe extracting(unchecked: Range(uncheckedBounds: (start, end)))
  }

  /// The two bytes at `offset` as a little-endian word; nil if they are not both there.
  @inline(__always)
  func pair(at offset: Int) -> UInt16? { littleEndian(at: offset) }

  /// The same of four.
  @inline(__always)
  func quad(at offset: Int) -> UInt32? { littleEndian(at: offset) }

  /// The same of eight.
  @inline(__always)
  func word(at offset: Int) -> UInt64? { littleEndian(at: offset) }

  @inline(__always)
  private func littleEndian<Word: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> Word? {
    guard has(MemoryLayout<Word>.size, at: offset) else { return nil }
    // SAFETY: the bytes were just checked to lie within the span.
    return unsafe Word(
      littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: Word.self))
  }

  /// Whether CR LF stands at `offset`.
  @inline(__always)
  func isLineEnd(at offset: Int) -> Bool { pair(at: offset) == 0x0a0d }

  @inline(__always)
  func isColon(at offset: Int) -> Bool { offset < byteCount && self[offset] == 0x3a }
}

/// SAFETY: both pointers must have a `Word` at `offset`.
@inline(__always)
@unsafe private func same<Word: FixedWidthInteger & BitwiseCopyable>(
  _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ offset: Int, _ lower: Word
) -> Bool {
  let left = unsafe a.loadUnaligned(fromByteOffset: offset, as: Word.self)
  let right = unsafe b.loadUnaligned(fromByteOffset: offset, as: Word.self)
  return left | lower == right
}
