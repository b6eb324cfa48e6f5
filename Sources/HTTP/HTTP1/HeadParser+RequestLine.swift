// The first line of a request: RFC 9112 3. What most requests have is recognised at once; the rest,
// and a line that comes in parts, is read byte by byte in functions of its own.

extension HeadParser {
  /// Parses up to and with the request line.
  ///
  /// - Returns: whether it is complete.
  @inline(__always)
  mutating func parseRequestLine(
    _ bytes: RawSpan, into head: RequestHead
  ) throws(RequestError) -> Bool {
    if phase == .emptyLines {
      guard try skipEmptyLines(bytes) else { return false }
      head.clear()
    }
    if phase == .method {
      guard try parseMethod(bytes, head) else { return false }
    }
    if phase == .target {
      guard try parseTarget(bytes, head) else { return false }
    }
    guard let end = try versionEnd(bytes, head) else { return false }
    try head.readTarget(bytes, question: question > 0 ? question : nil)
    endFirstLine(end)
    return true
  }

  /// RFC 9112 2.2: an empty line before a request is forgiven, for old clients that end a body
  /// with one; two at most.
  @inline(__always)
  private mutating func skipEmptyLines(_ bytes: RawSpan) throws(RequestError) -> Bool {
    while cursor < bytes.byteCount, bytes[cursor] == ASCII.carriageReturn {
      guard cursor < 4 else { throw .badRequest(.emptyLines) }
      guard cursor + 1 < bytes.byteCount else { return false }
      guard bytes[cursor + 1] == ASCII.lineFeed else {
        throw .badRequest(.bareCarriageReturn)
      }
      cursor += 2
    }
    guard cursor < bytes.byteCount else { return false }
    start = cursor
    line = Line(start: cursor)
    phase = .method
    return true
  }

  @inline(__always)
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
    } else {
      cursor = Self.tokenEnd(bytes, from: cursor)
      try checkLine(upTo: cursor)
      guard cursor < bytes.byteCount else { return false }
      guard bytes[cursor] == ASCII.space, cursor > start else { throw .badRequest(.method) }
      head.methodRange = ByteRange(from: start, to: cursor)
      head.method = Method(bytes.extracting(start..<cursor))
      cursor += 1
    }
    line.valueStart = cursor
    phase = .target
    return true
  }

  @inline(never)
  private static func tokenEnd(_ bytes: RawSpan, from start: Int) -> Int {
    var end = bytes.firstNonName(from: start)
    while end < bytes.byteCount, ASCII.token.contains(bytes[end]) { end += 1 }
    return end
  }

  @inline(__always)
  private mutating func parseTarget(
    _ bytes: RawSpan, _ head: RequestHead
  ) throws(RequestError) -> Bool {
    while true {
      cursor = bytes.firstTargetEnd(from: cursor)
      try checkLine(upTo: cursor)
      guard cursor < bytes.byteCount else { return false }
      guard bytes[cursor] == 0x3f else { break }  // ?
      if question == 0 { question = cursor }
      cursor &+= 1
    }
    guard bytes[cursor] == ASCII.space, cursor > line.valueStart else {
      // A target that a line's end follows is all there is of an HTTP/0.9 request.
      let isLineEnd = bytes[cursor] == ASCII.carriageReturn || bytes[cursor] == ASCII.lineFeed
      throw .badRequest(isLineEnd ? .version : .target)
    }
    head.target = ByteRange(from: line.valueStart, to: cursor)
    cursor &+= 1
    phase = .version
    return true
  }

  /// The end of `HTTP/1.1` at `cursor`, behind which CRLF stands; nil if they have not all come.
  @inline(__always)
  private func versionEnd(
    _ bytes: RawSpan, _ head: RequestHead
  ) throws(RequestError) -> Int? {
    let end = cursor &+ 8
    if Self.isUsualVersion(bytes, at: cursor), bytes.isLineEnd(at: end),
      end &- line.start <= lineLimit
    {
      head.minorVersion = 1
      return end
    }
    guard
      let minorVersion = try Self.minorVersion(
        bytes, at: cursor, lineEnd: line.start + lineLimit)
    else { return nil }
    head.minorVersion = minorVersion
    return end
  }

  /// Reads `HTTP/1.x` and CRLF, from the start again if they come in pieces.
  ///
  /// - Returns: 0, or 1 for all others; nil if more bytes are needed.
  @inline(never)
  private static func minorVersion(
    _ bytes: RawSpan, at start: Int, lineEnd: Int
  ) throws(RequestError) -> UInt8? {
    let length = versionLength(bytes, at: start)
    let end = start + length
    if end > lineEnd { throw .uriTooLong }
    if end == bytes.byteCount { return nil }
    guard length == 8, bytes[end] == ASCII.carriageReturn else { throw .badRequest(.version) }
    if end + 1 == bytes.byteCount { return nil }
    guard bytes[end + 1] == ASCII.lineFeed else { throw .badRequest(.bareCarriageReturn) }
    guard bytes[start + 5] == 0x31 else { throw .versionNotSupported }
    // RFC 9110 2.5: a later minor version is understood as the highest one known.
    return bytes[start + 7] == 0x30 ? 0 : 1
  }

  @inline(__always)
  private func checkLine(upTo end: Int) throws(RequestError) {
    if end &- line.start > lineLimit { throw .uriTooLong }
  }
}
