// The values of the variables that a template may name, taken from the request and its connection
// where they are, without copies in between.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import Telemetry

/// What a template's value is written for.
enum TemplateUse {
  /// A field's value.
  case text
  /// A URL: bytes of variables that have no place in one are written as escapes.
  case url
}

extension ClientConnection where Stream: ~Copyable {
  /// The most bytes of a variable that is no piece of the request.
  var longestOtherVariable: Int { tls == nil ? 512 : 2048 }

  /// Writes a field line whose value is a template. A value that is empty, or that holds a control
  /// character, writes nothing: an operator's `$cookie_x` must not become a way to forge fields.
  ///
  /// - Parameter response: what `response` was parsed from, once there is one.
  func write(
    field name: String, _ value: FieldTemplate, _ use: TemplateUse, of response: RawSpan? = nil,
    to head: inout ByteBuffer
  ) throws(NoRoom) {
    let before = head.count
    try head.write(name)
    try head.write(": ")
    let start = head.count
    let outcome = value.render(into: &head) { variable, name, head in
      append(variable, name, use, of: response, to: &head)
    }
    switch outcome {
    case .rendered where head.count > start: try head.write("\r\n")
    case .rendered: head.truncate(head.count - before)
    case .noRoom: throw NoRoom()
    case .forbiddenByte:
      head.truncate(head.count - before)
      if let suppressed = worker.fieldLimiter.admit(at: reactor.now) {
        Log.warning(
          "the field \"\(name)\" was left out: its value would hold a control character"
            + LogLimiter.note(suppressed))
      }
    }
  }

  /// Writes a template's value alone; false when it does not fit or must not be used.
  func write(_ value: FieldTemplate, to buffer: inout ByteBuffer) -> Bool {
    let outcome = value.render(into: &buffer) { variable, name, buffer in
      append(variable, name, .text, of: nil, to: &buffer)
    }
    return outcome == .rendered
  }

  /// Writes the fields that an editor sets and adds.
  func write(
    _ editor: FieldEditor, of response: RawSpan?, to head: inout ByteBuffer
  ) throws(NoRoom) {
    for field in editor.written {
      try write(field: field.name, field.value, .text, of: response, to: &head)
    }
  }

  /// Appends the value of a variable; false when there is no room for it.
  private func append(
    _ variable: TemplateVariable, _ name: RawSpan, _ use: TemplateUse, of response: RawSpan?,
    to head: inout ByteBuffer
  ) -> Bool {
    let start = head.count
    do throws(NoRoom) {
      if variable.isOfResponse {
        if let response { try append(variable, name, ofResponse: response, to: &head) }
      } else {
        try append(variable, name, to: &head)
      }
      if use == .url { try head.escapeForURL(from: start) }
      return true
    } catch {
      return false
    }
  }

  private func append(
    _ variable: TemplateVariable, _ name: RawSpan, to head: inout ByteBuffer
  ) throws(NoRoom) {
    switch variable {
    case .remoteAddress, .remotePort, .peerAddress, .serverAddress, .serverPort, .forwardedFor:
      try appendAddress(variable, to: &head)
    case .host: try appendHost(to: &head)
    case .scheme: try head.write(speaksTLS ? "https" : "http")
    case .https, .tlsProtocol, .tlsCipher, .tlsServerName, .tlsSessionReused, .tlsClientSubject,
      .tlsClientVerify:
      try appendSecurity(variable, to: &head)
    case .requestMethod:
      try write(request.methodRange, to: &head)
    case .requestURI: try appendTarget(to: &head)
    case .uri: try appendPath(to: &head)
    case .query: try write(request.query, to: &head)
    case .isArgs: if request.query.count > 0 { try head.write("?") }
    case .serverProtocol: try head.write(request.minorVersion > 0 ? "HTTP/1.1" : "HTTP/1.0")
    case .requestID: try appendRequestID(to: &head)
    case .serverName: try head.write(route.map { $0.tables.sites.name(of: place).site } ?? "")
    case .proxyHost: try head.write((route as? RoutePlan)?.upstream.name ?? "")
    case .hostname: try head.write(worker.hostname)
    case .timeISO8601:
      guard head.tailroom >= 32 else { throw NoRoom() }
      HTTPDate.appendISO8601(worker.unixSeconds, to: &head)
    case .milliseconds:
      guard head.tailroom >= 32 else { throw NoRoom() }
      WallClock.appendMilliseconds(to: &head)
    case .field: try appendField(name, of: request.fields, to: &head)
    case .argument: try appendArgument(name, to: &head)
    case .cookie: try appendCookie(name, to: &head)
    case .group: try appendGroup(name, to: &head)
    case .status, .upstreamAddress, .responseField: break
    }
  }

  /// Writes a piece of the request as it came.
  private func write(_ range: ByteRange, to head: inout ByteBuffer) throws(NoRoom) {
    try input.withBytes { bytes throws(NoRoom) in try head.write(bytes.slice(range)) }
  }

  private func append(
    _ variable: TemplateVariable, _ name: RawSpan, ofResponse bytes: RawSpan,
    to head: inout ByteBuffer
  ) throws(NoRoom) {
    switch variable {
    case .status: try head.write(decimal: UInt64(response.status))
    case .upstreamAddress: try head.write(serverText)
    case .responseField: try append(name, of: response.fields, in: bytes, to: &head)
    default: break
    }
  }

  /// The address of the server that answered; empty for rsp's own answers.
  private var serverText: String { turn.server?.member.address.description ?? "" }
}

// MARK: The connection

extension ClientConnection where Stream: ~Copyable {
  private func appendAddress(
    _ variable: TemplateVariable, to head: inout ByteBuffer
  ) throws(NoRoom) {
    guard head.tailroom >= 64 else { throw NoRoom() }
    switch variable {
    case .remoteAddress: append(client: &head)
    case .peerAddress: head.append(host: peer)
    case .remotePort: if case .unix = peer {} else { head.append(decimal: UInt64(peer.port)) }
    case .serverAddress: if let address = stream.localAddress { head.append(host: address) }
    case .serverPort:
      if let address = stream.localAddress { head.append(decimal: UInt64(address.port)) }
    case .forwardedFor: try appendForwardedFor(to: &head)
    default: break
    }
  }

  private func appendRequestID(to head: inout ByteBuffer) throws(NoRoom) {
    if let kept = keptIdentifier { return try write(kept, to: &head) }
    guard head.tailroom >= 32 else { throw NoRoom() }
    identifier.append(to: &head)
  }
}

// MARK: The target

extension ClientConnection where Stream: ~Copyable {
  /// The host in small letters, without its port and a final dot.
  private func appendHost(to head: inout ByteBuffer) throws(NoRoom) {
    try input.withBytes { bytes throws(NoRoom) in
      let host = bytes.slice(request.host)
      let name = host.extracting(0..<host.hostEnd)
      guard name.byteCount <= head.tailroom else { throw NoRoom() }
      for i in 0..<name.byteCount {
        head.append(name[i] &- 0x41 < 26 ? name[i] | 0x20 : name[i])
      }
    }
  }

  /// Path and query as they came, also of an absolute target.
  private func appendTarget(to head: inout ByteBuffer) throws(NoRoom) {
    guard case .absolute = request.form else { return try write(request.target, to: &head) }
    if request.path.isEmpty { try head.write("/") }
    try write(ByteRange(Int(request.path.start)..<request.target.end), to: &head)
  }

  private func appendPath(to head: inout ByteBuffer) throws(NoRoom) {
    switch normalTarget {
    case .received(let range):
      try write(ByteRange(Int(range.start)..<range.end - queryCount), to: &head)
    case .made(let made):
      let path = made.prefix { $0 != 0x3f }
      guard path.count <= head.tailroom else { throw NoRoom() }
      head.append(path.span)
    }
  }

  private func appendGroup(_ name: RawSpan, to head: inout ByteBuffer) throws(NoRoom) {
    guard let groups, name.byteCount == 1 else { return }
    let text = groups.texts[Int(name[0] - 0x30)]
    guard text.count <= head.tailroom else { throw NoRoom() }
    head.append(text)
  }
}

// MARK: Fields

extension ClientConnection where Stream: ~Copyable {
  private func appendField(
    _ name: RawSpan, of fields: FieldLines, to head: inout ByteBuffer
  ) throws(NoRoom) {
    try input.withBytes { bytes throws(NoRoom) in
      try append(name, of: fields, in: bytes, to: &head)
    }
  }

  /// The values of all fields of a name: one list, as RFC 9110 5.3 has it; cookies RFC 9113 8.2.3.
  private func append(
    _ name: RawSpan, of fields: FieldLines, in bytes: RawSpan, to head: inout ByteBuffer
  ) throws(NoRoom) {
    var isFirst = true
    for field in fields where bytes.slice(field.name).equalsIgnoringCase(name) {
      if !isFirst { try head.write(field.known == .cookie ? "; " : ", ") }
      isFirst = false
      try head.write(bytes.slice(field.value))
    }
  }

  /// The first parameter of that name in the query, as it came.
  private func appendArgument(_ name: RawSpan, to head: inout ByteBuffer) throws(NoRoom) {
    try input.withBytes { bytes throws(NoRoom) in
      let query = bytes.slice(request.query)
      if let value = query.value(of: name, separatedBy: 0x26) {
        try head.write(query.extracting(value))
      }
    }
  }

  /// The first cookie of that name: RFC 6265 4.2.1.
  private func appendCookie(_ name: RawSpan, to head: inout ByteBuffer) throws(NoRoom) {
    try input.withBytes { bytes throws(NoRoom) in
      for field in request.fields where field.known == .cookie {
        let cookies = bytes.slice(field.value)
        if let value = cookies.value(of: name, separatedBy: 0x3b) {
          return try head.write(cookies.extracting(value))
        }
      }
    }
  }
}

extension RawSpan {
  /// Where the value of `name=value` is in a list of such pairs; blanks around a pair are no part
  /// of it.
  func value(of name: RawSpan, separatedBy separator: UInt8) -> Range<Int>? {
    var start = 0
    for end in 0...byteCount where end == byteCount || self[end] == separator {
      let pair = trimmingBlanks(start..<end)
      start = end + 1
      let equals = pair.lowerBound + name.byteCount
      guard equals < pair.upperBound, self[equals] == 0x3d else { continue }
      if extracting(pair.lowerBound..<equals).isSame(as: name) {
        return equals + 1..<pair.upperBound
      }
    }
    return nil
  }

  private func isSame(as other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    for i in 0..<byteCount where self[i] != other[i] { return false }
    return true
  }

  /// Where the name of a valid host ends: before its port and a final dot.
  var hostEnd: Int {
    var end = byteCount
    var i = end
    while i > 0, self[i - 1] &- 0x30 < 10 { i -= 1 }
    if i > 0, self[i - 1] == 0x3a { end = i - 1 }
    if end > 1, self[end - 1] == 0x2e { end -= 1 }
    return end
  }
}

extension ByteBuffer {
  /// Writes bytes from `start` on as escapes where they have no place in a URL (RFC 3986 2): what is
  /// neither reserved nor unreserved, escapes apart.
  mutating func escapeForURL(from start: Int) throws(NoRoom) {
    guard let copy = bytesForbiddenInURL(from: start) else { return }
    truncate(copy.count)
    for byte in copy {
      guard tailroom >= 3 else { throw NoRoom() }
      if Self.mayStandInURL(byte) {
        append(byte)
      } else {
        append(UInt8(ascii: "%"))
        for digit in [byte >> 4, byte & 15] { append(digit < 10 ? 0x30 + digit : 0x37 + digit) }
      }
    }
  }

  /// A copy of the bytes from `start` on, if one of them has no place in a URL.
  private borrowing func bytesForbiddenInURL(from start: Int) -> [UInt8]? {
    let bytes = bytes.extracting(start..<count)
    for i in 0..<bytes.byteCount where !Self.mayStandInURL(bytes[i]) { return bytes.array() }
    return nil
  }

  private static func mayStandInURL(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x22, 0x3c, 0x3e, 0x5c, 0x5e, 0x60, 0x7b, 0x7c, 0x7d: false  // "<>\^`{|}
    default: 0x21...0x7e ~= byte
    }
  }
}
