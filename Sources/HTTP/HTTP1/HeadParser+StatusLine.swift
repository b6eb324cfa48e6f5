// The first line of a response: RFC 9112 4.

extension HeadParser {
  /// Parses up to and with the status line.
  ///
  /// - Returns: whether it is complete.
  @inline(__always)
  mutating func parseStatusLine(
    _ bytes: RawSpan, into head: ResponseHead
  ) throws(RequestError) -> Bool {
    if phase == .emptyLines {
      head.clear()
      phase = .statusLine
    }
    if phase == .statusLine {
      guard try parseStatus(bytes, head) else { return false }
    }
    return try parseReason(bytes, head)
  }

  /// `HTTP/1.1 200`, looked at from the start again if it comes in pieces.
  @inline(__always)
  private mutating func parseStatus(
    _ bytes: RawSpan, _ head: ResponseHead
  ) throws(RequestError) -> Bool {
    if Self.isUsualVersion(bytes, at: 0), Self.statusLength(bytes) == 4, lineLimit >= 12 {
      head.minorVersion = 1
    } else {
      guard try Self.isWholeStatus(bytes, lineLimit: lineLimit) else { return false }
      head.minorVersion = bytes[7] == 0x30 ? 0 : 1
    }
    let hundreds = UInt16(bytes[9] &- 0x30)
    let rest = UInt16(bytes[10] &- 0x30) &* 10 &+ UInt16(bytes[11] &- 0x30)
    guard hundreds > 0 else { throw .badRequest(.status) }
    head.status = hundreds &* 100 &+ rest
    cursor = 12
    phase = .reason
    return true
  }

  /// How many bytes from offset 8 on are those of a blank and three digits.
  @inline(__always)
  private static func statusLength(_ bytes: RawSpan) -> Int {
    guard bytes.byteCount > 8, bytes[8] == ASCII.space else { return 0 }
    guard bytes.byteCount > 9, ASCII.isDigit(bytes[9]) else { return 1 }
    guard bytes.byteCount > 10, ASCII.isDigit(bytes[10]) else { return 2 }
    guard bytes.byteCount > 11, ASCII.isDigit(bytes[11]) else { return 3 }
    return 4
  }

  /// Whether version and status, which may be wrong or cut, are all there.
  @inline(never)
  private static func isWholeStatus(
    _ bytes: RawSpan, lineLimit: Int
  ) throws(RequestError) -> Bool {
    var length = versionLength(bytes, at: 0)
    if length == 8 { length += statusLength(bytes) }
    if length > lineLimit { throw .fieldsTooLarge }
    if length == bytes.byteCount { return false }
    guard length == 12 else { throw .badRequest(.statusLine) }
    guard bytes[5] == 0x31 else { throw .versionNotSupported }
    return true
  }

  /// A blank and the reason phrase. RFC 9112 4 wants the blank even before an empty phrase, but
  /// enough servers leave it out, and nothing can be made of its absence.
  @inline(__always)
  private mutating func parseReason(
    _ bytes: RawSpan, _ head: ResponseHead
  ) throws(RequestError) -> Bool {
    if cursor == 12, cursor < bytes.byteCount, bytes[12] != ASCII.space,
      bytes[12] != ASCII.carriageReturn
    {
      throw .badRequest(.statusLine)
    }
    cursor = bytes.firstControl(from: cursor)
    if cursor > lineLimit { throw .fieldsTooLarge }
    guard bytes.isLineEnd(at: cursor) else {
      guard cursor < bytes.byteCount else { return false }
      guard bytes[cursor] == ASCII.carriageReturn else { throw .badRequest(.statusLine) }
      guard cursor + 1 == bytes.byteCount else { throw .badRequest(.bareCarriageReturn) }
      return false
    }
    head.reason = ByteRange(from: min(13, cursor), to: cursor)
    endFirstLine(cursor)
    return true
  }
}
