// Taking a request target apart: RFC 9112 3.2. Every byte of it is already known to be visible
// ASCII and not "#".

extension RequestHead {
  /// Sets form, authority, path and query from `target` and `method`.
  ///
  /// - Parameter question: the offset of the first "?", if there is one.
  @inline(__always)
  func readTarget(_ bytes: RawSpan, question: Int?) throws(RequestError) {
    guard method != .connect, bytes[Int(target.start)] == 0x2f else {  // /
      return try readOtherTarget(bytes, question: question)
    }
    form = .origin
    path = ByteRange(from: Int(target.start), to: question ?? target.end)
    readQuery(question)
  }

  @inline(__always)
  private func readQuery(_ question: Int?) {
    guard let question else { return }
    hasQuery = true
    query = ByteRange(from: question &+ 1, to: target.end)
  }

  /// Reads a target of one of the rarer forms.
  @inline(never)
  private func readOtherTarget(_ bytes: RawSpan, question: Int?) throws(RequestError) {
    let range = target.range
    if method == .connect {
      // RFC 9112 3.2.3: CONNECT takes this form, and nothing else does.
      guard Authority.isValid(bytes, range, needsPort: true) else {
        throw .badRequest(.targetForm)
      }
      form = .authority
      authority = target
    } else if range.count == 1, bytes[range.lowerBound] == 0x2a {  // *
      guard method == .options else { throw .badRequest(.targetForm) }
      form = .asterisk
    } else {
      readQuery(question)
      try readAbsolute(bytes, range, question ?? range.upperBound)
    }
  }

  /// `http://authority/path`: RFC 9112 3.2.2. No other scheme has a meaning here.
  private func readAbsolute(
    _ bytes: RawSpan, _ range: Range<Int>, _ pathEnd: Int
  ) throws(RequestError) {
    let all = bytes.extracting(range)
    let start: Int
    if all.byteCount > 7, all.extracting(0..<7).equalsIgnoringCase("http://") {
      start = range.lowerBound + 7
    } else if all.byteCount > 8, all.extracting(0..<8).equalsIgnoringCase("https://") {
      start = range.lowerBound + 8
    } else {
      throw .badRequest(.targetForm)
    }
    var end = start
    while end < pathEnd, bytes[end] != 0x2f { end += 1 }
    guard start <= end, Authority.isValid(bytes, start..<end) else {
      throw .badRequest(.targetForm)
    }
    form = .absolute
    authority = ByteRange(start..<end)
    path = ByteRange(end..<pathEnd)
  }
}
