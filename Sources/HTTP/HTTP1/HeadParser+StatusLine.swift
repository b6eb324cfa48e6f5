// The first line of a response: RFC 9112 4.

extension HeadParser {
  /// Parses up to and with the status line.
  ///
  /// - Returns: whether it is complete.
  mutating func parseStatusLine(
    _ bytes: RawSpan, into head: ResponseHead
  ) throws(RequestError) -> Bool {
    switch phase {
    case .emptyLines:
      head.clear()
      phase = .statusLine
      return try parseStatus(bytes, head)
    case .statusLine: return try parseStatus(bytes, head)
    case .reason: return try parseReason(bytes, head)
    case .method, .target, .version, .name, .value: return true
    }
  }

  /// `HTTP/1.1 200`, looked at from the start again if it comes in pieces.
  private mutating func parseStatus(
    _ bytes: RawSpan, _ head: ResponseHead
  ) throws(RequestError) -> Bool {
    var length = versionLength(bytes, at: 0)
    if length == 8 {
      while length < 12, length < bytes.byteCount {
        let isRight = length == 8 ? bytes[8] == ASCII.space : ASCII.isDigit(bytes[length])
        guard isRight else { break }
        length += 1
      }
    }
    if length > lineLimit { throw .fieldsTooLarge }
    if length == bytes.byteCount { return false }
    guard length == 12 else { throw .badRequest(.statusLine) }
    guard bytes[5] == 0x31 else { throw .versionNotSupported }
    head.minorVersion = bytes[7] == 0x30 ? 0 : 1
    let hundreds = UInt16(bytes[9] - 0x30)
    let rest = UInt16(bytes[10] - 0x30) * 10 + UInt16(bytes[11] - 0x30)
    guard hundreds > 0 else { throw .badRequest(.status) }
    head.status = hundreds * 100 + rest
    cursor = 12
    phase = .reason
    return try parseReason(bytes, head)
  }

  /// A blank and the reason phrase. RFC 9112 4 wants the blank even before an empty phrase, but
  /// enough servers leave it out, and nothing can be made of its absence.
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
    guard cursor < bytes.byteCount else { return false }
    guard bytes[cursor] == ASCII.carriageReturn else { throw .badRequest(.statusLine) }
    guard cursor + 1 < bytes.byteCount else { return false }
    guard bytes[cursor + 1] == ASCII.lineFeed else { throw .badRequest(.bareCarriageReturn) }
    head.reason = ByteRange(min(13, cursor)..<cursor)
    endFirstLine(cursor)
    return true
  }
}
