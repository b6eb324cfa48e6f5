// Searching bytes sixteen at a time: the only file of the parser that touches memory by pointers.
// Each search keeps its loads inside the span, so nothing outside can make it read beyond.
import CScan

extension RawSpan {
  /// The first offset from `start` on whose bit is set by `mask`; `byteCount` if there is none.
  ///
  /// - Parameters:
  ///   - mask: classifies the 16 bytes at a pointer, bit i for byte i.
  ///   - matches: says the same of one byte; for spans shorter than 16 bytes.
  /// - Precondition: `start` lies within the span or at its end.
  @inline(__always)
  private func first(
    from start: Int, mask: (UnsafeRawPointer) -> UInt32, matches: (UInt8) -> Bool
  ) -> Int {
    precondition(UInt(bitPattern: start) <= UInt(bitPattern: byteCount))
    return unsafe withUnsafeBytes { bytes in
      let count = bytes.count
      guard count >= 16 else {
        var i = start
        while unsafe i < count && !matches(bytes[i]) { i += 1 }
        return i
      }
      // SAFETY: a span of 16 bytes and more has a base address.
      let base = unsafe bytes.baseAddress.unsafelyUnwrapped
      var i = start
      let last = count &- 16
      // SAFETY: 0 <= i <= count - 16, so the load lies within the span.
      while i <= last {
        let found = unsafe mask(base + i)
        if found != 0 { return i &+ found.trailingZeroBitCount }
        i &+= 16
      }
      guard i < count else { return count }
      // The last, partial group is looked at through the span's last 16 bytes.
      // SAFETY: count >= 16, so the load begins at or after the first byte.
      let found = unsafe mask(base + count - 16) >> UInt32(16 - (count - i))
      return found == 0 ? count : i + found.trailingZeroBitCount
    }
  }

  /// The first control byte (but HTAB) from `start` on; `byteCount` if there is none.
  @inline(__always)
  func firstControl(from start: Int) -> Int {
    unsafe first(from: start, mask: { unsafe cscan_controls($0) }) {
      ($0 < 0x20 && $0 != ASCII.tab) || $0 == 0x7f
    }
  }

  /// The first byte from `start` on that is not a letter, a digit or "-".
  @inline(__always)
  func firstNonName(from start: Int) -> Int {
    unsafe first(from: start, mask: { unsafe cscan_not_name($0) }) {
      !(($0 | 0x20) &- 0x61 < 26 || ASCII.isDigit($0) || $0 == 0x2d)
    }
  }

  /// The first byte from `start` on that is not a letter, a digit, "-" or ".".
  @inline(__always)
  func firstNonHost(from start: Int) -> Int {
    unsafe first(from: start, mask: { unsafe cscan_not_host($0) }) {
      !(($0 | 0x20) &- 0x61 < 26 || ASCII.isDigit($0) || $0 == 0x2d || $0 == 0x2e)
    }
  }

  /// The first byte from `start` on that is not visible ASCII, or is "#" or "?".
  @inline(__always)
  func firstTargetEnd(from start: Int) -> Int {
    unsafe first(from: start, mask: { unsafe cscan_target_ends($0) }) {
      $0 <= 0x20 || $0 >= 0x7f || $0 == 0x23 || $0 == 0x3f
    }
  }

  /// The first byte that may keep a path from being normal: an escape, a byte that has no place in
  /// a path, or a "/" or "." right after a "/". Nil if there is none: the path is normal.
  func firstPathOddity() -> Int? {
    unsafe withUnsafeBytes { bytes in
      var i = 0
      var afterSlash: UInt32 = 0
      if let base = bytes.baseAddress {
        // SAFETY: i + 16 <= count, so the three loads lie within the span.
        while i + 16 <= bytes.count {
          let slashes = unsafe cscan_slashes(base + i)
          let found =
            unsafe cscan_path_oddities(base + i)
            | ((slashes << 1 | afterSlash) & cscan_slashes_and_dots(base + i))
          if found != 0 { return i + found.trailingZeroBitCount }
          afterSlash = slashes >> 15
          i += 16
        }
      }
      while i < bytes.count {
        let byte = unsafe bytes[i]
        let isOdd =
          switch byte {
          case ...0x20, 0x7f..., 0x23, 0x25, 0x3f, 0x5c: true
          case 0x2e, 0x2f: afterSlash == 1
          default: false
          }
        if isOdd { return i }
        afterSlash = byte == 0x2f ? 1 : 0
        i += 1
      }
      return nil
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

  /// Whether CR LF stands at `offset`.
  @inline(__always)
  func isLineEnd(at offset: Int) -> Bool {
    guard byteCount >= 2, UInt(bitPattern: offset) <= UInt(bitPattern: byteCount &- 2)
    else { return false }
    // SAFETY: both bytes were just checked to lie within the span.
    let both = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self)
    return UInt16(littleEndian: both) == 0x0a0d
  }

  /// The eight bytes at `offset` as a little-endian word; nil if they are not all there.
  @inline(__always)
  func word(at offset: Int) -> UInt64? {
    guard offset >= 0, offset <= byteCount - 8 else { return nil }
    // SAFETY: the eight bytes were just checked to lie within the span.
    return unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
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
