// The head that a client gets: the server's, less what belonged to the server's connection, plus
// how this body is framed and whether this connection goes on.
import Bytes
import Configuration
import HTTP

extension ClientConnection where Stream: ~Copyable {
  /// Composes the final response's head in the worker's scratch block.
  ///
  /// - Parameters:
  ///   - bytes: what `response` was parsed from.
  ///   - chunked: the body is sent in chunks.
  ///   - persists: the connection stays open.
  /// - Returns: false when it does not fit in a block.
  func composeResponse(
    _ bytes: RawSpan, _ route: MatchedRoute, chunked: Bool, persists: Bool
  ) -> Bool {
    worker.scratch.reset()
    do {
      let settings = route.settings
      let hasDate = try writeKeptLines(bytes, settings, to: &worker.scratch)
      try writeAdded(settings, of: bytes)
      if !hasDate { try worker.scratch.write(field: "Date", date: worker.unixSeconds) }
      if chunked { try worker.scratch.write("Transfer-Encoding: chunked\r\n") }
      try writeVia(route, to: &worker.scratch)
      try writeCookie(to: &worker.scratch)
      if !persists {
        try worker.scratch.write("Connection: close\r\n")
      } else if request.minorVersion == 0 {
        try worker.scratch.write("Connection: keep-alive\r\n")
      }
      try worker.scratch.writeEndOfHead()
    } catch {
      return false
    }
    return true
  }

  /// Composes a 1xx response. False when it does not fit.
  func composeInterim(_ bytes: RawSpan, into head: inout ByteBuffer) -> Bool {
    do {
      _ = try writeKeptLines(bytes, nil, to: &head)
      try head.writeEndOfHead()
    } catch {
      return false
    }
    return true
  }

  /// Composes the head of a 101 in the worker's scratch block. False when it does not fit.
  func composeSwitch(_ bytes: RawSpan, _ route: MatchedRoute) -> Bool {
    worker.scratch.reset()
    do {
      let settings = route.settings
      _ = try writeKeptLines(bytes, settings, to: &worker.scratch)
      try writeAdded(settings, of: bytes)
      if let upgrade = response.upgrade {
        try worker.scratch.write(field: "Upgrade", bytes.slice(upgrade))
      }
      try writeVia(route, to: &worker.scratch)
      try writeCookie(to: &worker.scratch)
      try worker.scratch.write("Connection: Upgrade\r\n")
      try worker.scratch.writeEndOfHead()
    } catch {
      return false
    }
    return true
  }

  /// Writes the status line, unless it can stay as it came, and the fields that are passed on.
  ///
  /// - Parameter settings: which change them; nil where nothing does.
  /// - Returns: whether a Date was among them.
  @inline(__always)
  private func writeKeptLines(
    _ bytes: RawSpan, _ settings: RouteSettings?, to head: inout ByteBuffer
  ) throws(NoRoom) -> Bool {
    let names = FieldNames(of: response.fields)
    // "HTTP/1.1 200 OK": a line of another version, or without a reason, is written anew. Many
    // responses keep all their lines.
    if settings?.responseFields == nil, response.status >= 200, response.status != 204,
      !response.reason.isEmpty, bytes[7] == UInt8(ascii: "1"),
      !FieldNames.ofConnection.overlaps(names),
      response.fields.flags.rawValue & FieldLine.Flags.namedByConnection.rawValue == 0
    {
      try head.write(bytes.extracting(0..<response.byteCount - 2))
      return names.contains(.date)
    }
    return try writeLines(bytes, settings, to: &head)
  }

  /// `writeKeptLines` for a response that does not keep all of them.
  @inline(never)
  private func writeLines(
    _ bytes: RawSpan, _ settings: RouteSettings?, to head: inout ByteBuffer
  ) throws(NoRoom) -> Bool {
    var start = 0
    if response.reason.isEmpty || bytes[7] != UInt8(ascii: "1") {
      try head.write(
        statusLine: Status(rawValue: response.status), reason: bytes.slice(response.reason))
      start = response.fields.first.map { Int($0.name.start) } ?? response.byteCount - 2
    }
    var hasDate = false
    // RFC 9110 8.6: these have no length to tell.
    let hasNoLength = response.status == 204 || response.status < 200
    let dropped = FieldNames.ofConnection
    let end = response.byteCount - 2
    let editor = settings?.responseFields
    try head.write(response.fields, of: bytes, from: start, upTo: end) { field in
      if let editor, editor.drops(field, of: bytes) { return true }
      if case .date = field.known { hasDate = true }
      if case .contentLength = field.known, hasNoLength { return true }
      return dropped.contains(field.known)
        || field.flags.rawValue & FieldLine.Flags.namedByConnection.rawValue != 0
    }
    return hasDate
  }

  /// Writes the fields that the route's options add.
  @inline(__always)
  private func writeAdded(_ settings: RouteSettings, of bytes: RawSpan) throws(NoRoom) {
    if settings.responseFields == nil, settings.strictTransport == nil { return }
    try writeChanges(settings, of: bytes)
  }

  @inline(never)
  private func writeChanges(_ settings: RouteSettings, of bytes: RawSpan) throws(NoRoom) {
    let editor = settings.responseFields
    if let editor { try write(editor, of: bytes, to: &worker.scratch) }
    if let line = settings.strictTransport { try write(line, of: bytes, editor) }
  }

  /// The cookie of a session that begins or has moved to another server.
  @inline(__always)
  private func writeCookie(to head: inout ByteBuffer) throws(NoRoom) {
    if !turn.cookieLine.isEmpty { try writeCookieLine(to: &head) }
  }

  @inline(never)
  private func writeCookieLine(to head: inout ByteBuffer) throws(NoRoom) {
    let line = turn.cookieLine
    guard line.count <= head.tailroom else { throw NoRoom() }
    head.append(line)
  }

  /// Writes the line of Strict-Transport-Security: RFC 6797 7.1 and 7.2, over TLS only, and once, so
  /// that a server that has a policy of its own keeps it.
  private func write(
    _ strictTransport: [UInt8], of bytes: RawSpan, _ editor: FieldEditor?
  ) throws(NoRoom) {
    guard isSecure else { return }
    for field in response.fields
    where bytes.slice(field.name).equalsIgnoringCase("strict-transport-security") {
      if editor?.drops(field, of: bytes) != true { return }
    }
    guard strictTransport.count <= worker.scratch.tailroom else { throw NoRoom() }
    worker.scratch.append(strictTransport)
  }

  @inline(__always)
  private func writeVia(_ route: MatchedRoute, to head: inout ByteBuffer) throws(NoRoom) {
    if route.options.via != nil { try writeViaLine(route, to: &head) }
  }

  @inline(never)
  private func writeViaLine(_ route: MatchedRoute, to head: inout ByteBuffer) throws(NoRoom) {
    guard let pseudonym = route.options.via else { return }
    try head.write(response.minorVersion > 0 ? "Via: 1.1 " : "Via: 1.0 ")
    try head.write(pseudonym)
    try head.write("\r\n")
  }
}
