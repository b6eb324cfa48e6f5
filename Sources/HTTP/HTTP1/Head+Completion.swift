// The conclusions drawn when the last field of a head is known: framing, and whether the
// connection can go on. RFC 9112 6.3 and 9.3.

extension RequestHead {
  /// Draws the conclusions; the target and the fields are already stored.
  @inline(__always)
  func complete(
    _ bytes: RawSpan, _ meaning: FieldMeaning, byteCount: Int
  ) throws(RequestError) {
    self.byteCount = byteCount
    try readFraming(meaning)
    try readHost(bytes, meaning)
    // RFC 9110 10.1.1: expectations of an HTTP/1.0 request are ignored.
    if meaning.says(.expectsOther), minorVersion > 0 { throw .expectationFailed }
    expectsContinue = meaning.says(.expectsContinue) && minorVersion > 0 && hasBody
    keepAlive = meaning.keepsAlive(minorVersion: minorVersion)
    // RFC 9110 7.8: Upgrade means nothing in HTTP/1.0, nor unless Connection names it.
    if meaning.asksForUpgrade, minorVersion > 0 { upgrade = meaning.upgrade }
    if meaning.says(.connectionNames) { try markNamedFields(bytes, &fields) }
  }

  private var hasBody: Bool { framing != .none && framing != .length(0) }

  private func readFraming(_ meaning: FieldMeaning) throws(RequestError) {
    guard meaning.says(.coding) else {
      framing = meaning.says(.contentLength) ? .length(meaning.contentLength) : .none
      return
    }
    // RFC 9112 6.1: HTTP/1.0 knows no transfer codings, and beside a Content-Length one may be
    // smuggling; both are refused rather than repaired.
    if minorVersion == 0 { throw .badRequest(.transferEncodingInOldVersion) }
    if meaning.says(.contentLength) { throw .badRequest(.lengthAndEncoding) }
    if meaning.says(.otherCoding) { throw .notImplemented }
    framing = .chunked
  }

  /// RFC 9112 3.2: one Host in every HTTP/1.1 request, and the same authority in the target.
  private func readHost(_ bytes: RawSpan, _ meaning: FieldMeaning) throws(RequestError) {
    if minorVersion > 0, !meaning.says(.host) { throw .badRequest(.missingHost) }
    host = meaning.says(.host) ? meaning.host : authority
    if form == .absolute,
      !bytes.slice(host).equalsIgnoringCase(bytes.slice(authority))
    {
      throw .badRequest(.differingHost)
    }
  }
}

extension ResponseHead {
  /// Draws the conclusions; status line and fields are already stored.
  func complete(
    _ bytes: RawSpan, _ meaning: FieldMeaning, requestMethod: Method, byteCount: Int
  ) throws(RequestError) {
    self.byteCount = byteCount
    keepAlive = meaning.keepsAlive(minorVersion: minorVersion)
    if meaning.asksForUpgrade { upgrade = meaning.upgrade }
    if meaning.says(.keepAliveField) { keepAliveTimeout = meaning.keepAliveTimeout(bytes) }
    if meaning.says(.coding) {
      if minorVersion == 0 { throw .badRequest(.transferEncodingInOldVersion) }
      if meaning.says(.contentLength) { throw .badRequest(.lengthAndEncoding) }
      if meaning.says(.otherCoding) { throw .notImplemented }
    }
    try readFraming(meaning, requestMethod)
    if meaning.says(.connectionNames) { try markNamedFields(bytes, &fields) }
  }

  /// RFC 9112 6.3, in its order.
  private func readFraming(
    _ meaning: FieldMeaning, _ requestMethod: Method
  ) throws(RequestError) {
    let isInterim = 100...199 ~= status
    if isInterim || status == 204 {
      // RFC 9112 6.1 forbids a coding here. A server that sends one may well send the chunks too,
      // and they must not become the next response.
      if meaning.says(.coding) { throw .badRequest(.encodingWithoutBody) }
      if meaning.contentLength > 0 {
        if isInterim { throw .badRequest(.contentLength) }
        keepAlive = false
      }
      framing = .none
    } else if requestMethod == .head || status == 304 {
      framing = .none
    } else if requestMethod == .connect, 200...299 ~= status {
      framing = .none
    } else if meaning.says(.chunked) {
      framing = .chunked
    } else if meaning.says(.contentLength) {
      framing = .length(meaning.contentLength)
    } else {
      framing = .untilClose
      keepAlive = false
    }
  }
}
