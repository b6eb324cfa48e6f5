// The parser of message heads. It is given all the bytes of a message that have come so far, again
// and again as more come, and goes on where it stopped, so that a head that drips in byte by byte
// costs no more than one that comes at once.
//
// A head is read strictly from front to back and the first fault ends it: at every byte the
// verdict depends on the bytes up to there alone, so the way a head is cut into packets cannot
// change what becomes of it. Bytes are looked at sixteen at a time: the end of a name is the
// first byte that is none of a name's, the end of a value the first control byte, and when that
// end is not the one the grammar asks for, the head is refused. RFC 9112 2.2: a recipient that
// takes a bare LF for a line's end, or a bare CR for a blank, disagrees with the next one about
// where the message ends; so neither is taken for anything.

/// Parses one request or response head after another from the bytes of a connection.
///
/// A value of its own for each message in progress, worker-confined. After `parse` returned true it
/// is ready for the next message; after it threw, the connection is of no more use.
package struct HeadParser: Sendable {
  /// What the next byte belongs to.
  enum Phase { case emptyLines, method, target, version, statusLine, reason, fields }

  /// What has to be known of the line in progress before its field can be stored.
  struct Line {
    /// Where the line begins.
    var start = 0
    /// Where the search for the value's end began, or a request's target; 0 until that is known.
    var valueStart = 0
    /// How long the field's name is.
    var nameCount = 0
    var known = FieldName.other
    var flags: FieldLine.Flags = []
  }

  package let limits: HeadLimits
  var phase = Phase.emptyLines
  /// Where the head begins, after empty lines.
  var start = 0
  /// Everything before this offset has been judged.
  var cursor = 0
  var line = Line()
  /// The first "?" in the target; 0 if there is none, for the method stands before it.
  var question = 0
  var meaning = FieldMeaning()
  let lineLimit: Int

  @inline(__always)
  package init(limits: HeadLimits) {
    self.limits = limits
    // A line cannot be longer than its head: which of the two is refused must not depend on
    // how many bytes of it have come.
    lineLimit = min(limits.line, limits.head)
  }

  /// Forgets the message in progress.
  package mutating func reset() {
    phase = .emptyLines
    start = 0
    cursor = 0
    line = Line()
    question = 0
    meaning = FieldMeaning()
  }

  /// Parses a request head.
  ///
  /// - Parameters:
  ///   - bytes: the connection's bytes from where the last message ended: the same as at the last
  ///     call, or more. There may be more than the head.
  ///   - head: the same object until the head is complete.
  /// - Returns: true if the head is complete and `head` filled; false if it needs more bytes.
  /// - Throws: the answer to give before the connection is closed. It never depends on how the
  ///   bytes were divided between calls.
  package mutating func parse(
    _ bytes: RawSpan, into head: RequestHead
  ) throws(RequestError) -> Bool {
    guard try goOn(bytes, into: head) else { return false }
    reset()
    return true
  }

  /// Parses a request head that has probably come in one piece.
  ///
  /// - Returns: whether it has; if not, a parser has to begin with it.
  package static func parseWhole(
    _ bytes: RawSpan, limits: HeadLimits, into head: RequestHead
  ) throws(RequestError) -> Bool {
    var parser = HeadParser(limits: limits)
    return try parser.goOn(bytes, into: head)
  }

  // Part of its two callers, of which one knows where it begins.
  @inline(__always)
  private mutating func goOn(
    _ bytes: RawSpan, into head: RequestHead
  ) throws(RequestError) -> Bool {
    if phase != .fields {
      guard try parseRequestLine(bytes, into: head) else { return false }
    }
    guard try parseFields(bytes, into: &head.fields, in: .request) else { return false }
    try head.complete(bytes, meaning, byteCount: cursor)
    return true
  }

  /// Parses a response head.
  ///
  /// - Parameters:
  ///   - bytes: the connection's bytes from where the last response ended, as for a request.
  ///   - requestMethod: the method that is answered; the framing depends on it.
  package mutating func parse(
    _ bytes: RawSpan, into head: ResponseHead, requestMethod: Method
  ) throws(ResponseError) -> Bool {
    guard try goOn(bytes, into: head, requestMethod: requestMethod) else { return false }
    reset()
    return true
  }

  /// Parses a response head that has probably come in one piece, as for a request.
  package static func parseWhole(
    _ bytes: RawSpan, into head: ResponseHead, requestMethod: Method
  ) throws(ResponseError) -> Bool {
    var parser = HeadParser(limits: .response)
    return try parser.goOn(bytes, into: head, requestMethod: requestMethod)
  }

  @inline(__always)
  private mutating func goOn(
    _ bytes: RawSpan, into head: ResponseHead, requestMethod: Method
  ) throws(ResponseError) -> Bool {
    do throws(RequestError) {
      if phase != .fields {
        guard try parseStatusLine(bytes, into: head) else { return false }
      }
      guard try parseFields(bytes, into: &head.fields, in: .response) else { return false }
      try head.complete(bytes, meaning, requestMethod: requestMethod, byteCount: cursor)
    } catch {
      throw ResponseError(error)
    }
    return true
  }

  /// Ends the first line at `end`, where its CRLF was found; the fields follow.
  @inline(__always)
  mutating func endFirstLine(_ end: Int) {
    cursor = end &+ 2
    line = Line(start: cursor)
    phase = .fields
  }

  /// Whether the version that nearly all messages have is at `start`: `HTTP/1.1`.
  @inline(__always)
  static func isUsualVersion(_ bytes: RawSpan, at start: Int) -> Bool {
    // The eight letters as a little-endian word.
    bytes.word(at: start) == 0x312e_312f_5054_5448
  }

  /// How many bytes at `start` are those of `HTTP/` digit `.` digit, at most eight.
  static func versionLength(_ bytes: RawSpan, at start: Int) -> Int {
    let pattern: StaticString = "HTTP/1.1"
    var n = 0
    while n < 8, start + n < bytes.byteCount {
      let byte = bytes[start + n]
      guard n == 5 || n == 7 ? ASCII.isDigit(byte) : byte == pattern.byte(n) else { break }
      n += 1
    }
    return n
  }
}
