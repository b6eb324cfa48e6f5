// Where a piece of a message lies, as eight bytes instead of a copy: a head is kept as the bytes
// that came, plus ranges into them.

/// Offsets into the bytes of a message, relative to the first byte that was given to the parser.
@usableFromInline
package struct ByteRange: Sendable, BitwiseCopyable, Equatable {
  @usableFromInline package var start: UInt32
  @usableFromInline package var count: UInt32

  package static var empty: ByteRange { ByteRange(0..<0) }

  /// - Precondition: the bounds fit in 32 bits; no message head comes near that.
  @inlinable @inline(__always)
  package init(_ range: Range<Int>) {
    start = UInt32(range.lowerBound)
    count = UInt32(range.count)
  }

  /// - Precondition: as above, and `start <= end`; the parser's offsets are bounded by its limits,
  ///   and every use of a range is checked against the bytes it is used on.
  @inline(__always)
  init(from start: Int, to end: Int) {
    self.start = UInt32(truncatingIfNeeded: start)
    count = UInt32(truncatingIfNeeded: end &- start)
  }

  /// The offset just past the last byte.
  @inlinable package var end: Int { Int(start) + Int(count) }
  @inlinable package var isEmpty: Bool { count == 0 }
  @inlinable package var range: Range<Int> { Int(start)..<end }
}

extension RawSpan {
  /// The bytes at `range`.
  ///
  /// - Precondition: the range lies within the span.
  @inlinable
  @_lifetime(copy self)
  package func slice(_ range: ByteRange) -> RawSpan { extracting(range.range) }

  /// The byte at `offset`, bounds-checked.
  @inlinable @inline(__always)
  package subscript(_ offset: Int) -> UInt8 {
    // As unsigned numbers, so that one comparison checks both ends.
    precondition(UInt(bitPattern: offset) < UInt(bitPattern: byteCount))
    // SAFETY: the offset was checked, and every bit pattern is a UInt8.
    return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
  }

  /// Whether the bytes are those of `text`.
  package func equals(_ text: StaticString) -> Bool {
    guard byteCount == text.utf8CodeUnitCount else { return false }
    return starts(with: text)
  }

  /// Whether the bytes begin with those of `text`.
  package func starts(with text: StaticString) -> Bool {
    guard byteCount >= text.utf8CodeUnitCount else { return false }
    for i in 0..<text.utf8CodeUnitCount where self[i] != text.byte(i) { return false }
    return true
  }

  /// Whether the bytes are those of `lowercased`, but for the case of ASCII letters.
  package func equalsIgnoringCase(_ lowercased: StaticString) -> Bool {
    guard byteCount == lowercased.utf8CodeUnitCount else { return false }
    for i in 0..<byteCount where ASCII.lowercased(self[i]) != lowercased.byte(i) { return false }
    return true
  }

  /// Whether the bytes are those of `other`, but for the case of ASCII letters.
  package func equalsIgnoringCase(_ other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    for i in 0..<byteCount where ASCII.lowercased(self[i]) != ASCII.lowercased(other[i]) {
      return false
    }
    return true
  }

  /// The bytes without the blanks (SP, HTAB) at both ends: RFC 9110 5.6.3, OWS.
  package func trimmingBlanks(_ range: Range<Int>) -> Range<Int> {
    var start = range.lowerBound
    var end = range.upperBound
    while start < end, ASCII.isBlank(self[start]) { start += 1 }
    while start < end, ASCII.isBlank(self[end - 1]) { end -= 1 }
    return start..<end
  }

  /// The bytes at `range` as a string, repaired where they are not UTF-8; for logs.
  package func string(_ range: ByteRange) -> String { slice(range).string() }

  /// The bytes as a string, repaired where they are not UTF-8; for logs.
  package func string() -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    for i in 0..<byteCount { bytes.append(self[i]) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension StaticString {
  /// The byte at `offset`, bounds-checked.
  @inline(__always)
  func byte(_ offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < utf8CodeUnitCount)
    // SAFETY: a StaticString's bytes live for ever, and the offset was checked.
    return unsafe utf8Start[offset]
  }
}
