// Reads the numbers and vectors of binary protocols one after the other: in network byte order, each
// checked against the end of what encloses it (RFC 8446 3).

/// A place in bytes that are borrowed, and all that follows it.
struct Cursor: ~Escapable {
  private(set) var rest: RawSpan

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }
  var count: Int { rest.byteCount }

  /// The number in the next `count` bytes, of which there are at most 4.
  @_lifetime(self: copy self)
  mutating func number(_ count: Int) throws(PreambleError) -> Int {
    guard rest.byteCount >= count else { throw .malformed }
    var number = 0
    for i in 0..<count { number = number << 8 | Int(rest.octet(i)) }
    rest = rest.extracting(droppingFirst: count)
    return number
  }

  /// The next `count` bytes.
  @_lifetime(copy self)
  @_lifetime(self: copy self)
  mutating func take(_ count: Int) throws(PreambleError) -> RawSpan {
    guard rest.byteCount >= count else { throw .malformed }
    let taken = rest.extracting(first: count)
    rest = rest.extracting(droppingFirst: count)
    return taken
  }

  /// A vector whose length stands before it in `lengthBytes` bytes.
  @_lifetime(copy self)
  @_lifetime(self: copy self)
  mutating func vector(_ lengthBytes: Int) throws(PreambleError) -> RawSpan {
    let count = try number(lengthBytes)
    return try take(count)
  }
}

extension RawSpan {
  /// The byte at `offset`, bounds-checked.
  func octet(_ offset: Int) -> UInt8 {
    // SAFETY: every bit pattern is a UInt8, and the load is bounds-checked.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// Whether the span begins with these bytes, as far as it goes.
  func agrees(with bytes: StaticString) -> Bool {
    for i in 0..<Swift.min(byteCount, bytes.utf8CodeUnitCount) {
      // SAFETY: a literal's bytes live for ever, and `i` is below their count.
      guard unsafe octet(i) == bytes.utf8Start[i] else { return false }
    }
    return true
  }

  /// A copy.
  var copied: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    for i in 0..<byteCount { bytes.append(octet(i)) }
    return bytes
  }
}
