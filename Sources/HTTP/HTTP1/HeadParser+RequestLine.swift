// The first line of a request: RFC 9112 3.

extension HeadParser {
  /// Parses up to and with the request line.
  ///
  /// - Returns: whether it is complete.
  mutating func parseRequestLine(
    _ bytes: RawSpan, into head: RequestHead
  ) throws(RequestError) -> Bool {
    switch phase {
    case .emptyLines: return try parseEmptyLines(bytes, head)
    case .method: return try parseMethod(bytes, head)
    case .target: return try parseTarget(bytes, head)
    case .version: return try parseVersion(bytes, head)
    case .statusLine, .reason, .name, .value: return true
    }
  }

  /// RFC 9112 2.2: an empty line before a request is forgiven, for old clients that end a body
  /// with one; two at most.
  private mutating func parseEmptyLines(
    _ bytes: RawSpan, _ head: RequestHead
  ) throws(RequestError) -> Bool {
    while cursor < bytes.byteCount, bytes[cursor] == ASCII.carriageReturn {
      guard cursor < 4 else { throw .badRequest(.emptyLines) }
      guard cursor + 1 < bytes.byteCount else { return false }
      guard bytes[cursor + 1] == ASCII.lineFeed else {
        throw .badRequest(.bareCarriageReturn)
      }
      cursor += 2
    }
    guard cursor < bytes.byteCount else { return false }
    head.clear()
    start = cursor
    line = Line(start: cursor)
    phase = .method
    return try parseMethod(bytes, head)
  }

  private mutating func parseMethod(
    _ bytes: RawSpan, _ head: RequestHead
  ) throws(RequestError) -> Bool {
    // "GET " as a little-endian word: what most requests begin with.
    if cursor == start, let word = bytes.word(at: start),
      UInt32(truncatingIfNeeded: word) == 0x2054_4547, lineLimit >= 3
    {
      head.methodRange = ByteRange(from: start, to: start &+ 3)
      head.method = .get
      cursor = start &+ 4
      line.nameEnd = cursor
      phase = .target
      return try parseTarget(bytes, head)
    }
    cursor = bytes.firstNonName(from: cursor)
    while cursor < bytes.byteCount, ASCII.token.contains(bytes[cursor]) { cursor += 1 }
    try checkLine()
    guard cursor < bytes.byteCount else { return false }
    guard bytes[cursor] == ASCII.space, cursor > start else { throw .badRequest(.method) }
    head.methodRange = ByteRange(start..<cursor)
    head.method = Method(bytes.extracting(start..<cursor))
    cursor += 1
    line.nameEnd = cursor
    phase = .target
    return try parseTarget(bytes, head)
  }

  private mutating func parseTarget(
    _ bytes: RawSpan, _ head: RequestHead
  ) throws(RequestError) -> Bool {
    while true {
      cursor = bytes.firstTargetEnd(from: cursor)
      try checkLine()
      guard cursor < bytes.byteCount else { return false }
      guard bytes[cursor] == 0x3f else { break }  // ?
      if question == nil { question = cursor }
      cursor += 1
    }
    // A target that a line's end follows is all there is of an HTTP/0.9 request.
    let isLineEnd = bytes[cursor] == ASCII.carriageReturn || bytes[cursor] == ASCII.lineFeed
    guard !isLineEnd else { throw .badRequest(.version) }
    guard bytes[cursor] == ASCII.space, cursor > line.nameEnd else { throw .badRequest(.target) }
    head.target = ByteRange(line.nameEnd..<cursor)
    cursor += 1
    phase = .version
    return try parseVersion(bytes, head)
  }

  /// `HTTP/1.1` and CRLF, looked at from the start again if they come in pieces.
  private mutating func parseVersion(
    _ bytes: RawSpan, _ head: RequestHead
  ) throws(RequestError) -> Bool {
    let length = versionLength(bytes, at: cursor)
    let end = cursor + length
    try checkLine(upTo: end)
    if end == bytes.byteCount { return false }
    guard length == 8, bytes[end] == ASCII.carriageReturn else { throw .badRequest(.version) }
    if end + 1 == bytes.byteCount { return false }
    guard bytes[end + 1] == ASCII.lineFeed else { throw .badRequest(.bareCarriageReturn) }
    guard bytes[cursor + 5] == 0x31 else { throw .versionNotSupported }
    // RFC 9110 2.5: a later minor version is understood as the highest one known.
    head.minorVersion = bytes[cursor + 7] == 0x30 ? 0 : 1
    try head.readTarget(bytes, question: question)
    endFirstLine(end)
    return true
  }

  private func checkLine(upTo end: Int) throws(RequestError) {
    if end - line.start > lineLimit { throw .uriTooLong }
  }

  @inline(__always)
  private func checkLine() throws(RequestError) { try checkLine(upTo: cursor) }
}
