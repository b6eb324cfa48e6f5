// The head that a server gets: the client's, less what belonged to the client's connection, plus
// what the server has to know about the client.
//
// Lines that stay are copied as they came, order, case and blanks included, in one piece per run of
// neighbours: most requests lose two lines, so their heads are three copies.
import Bytes
import Configuration
import HTTP
import IO

extension ClientConnection where Stream: ~Copyable {
  /// How long the head that `composeRequest` writes may become, in bytes.
  func requestBound(for route: RoutePlan) -> Int {
    // What variables add is the request's own, several times over, or short.
    let variables = route.settings.variables
    return request.byteCount * (1 + variables) + 2 * Int(request.host.count) + route.addedBytes
      + variables * longestOtherVariable
  }

  /// Composes the request's head for a server.
  ///
  /// - Returns: false when it does not fit.
  func composeRequest(
    for route: RoutePlan, _ target: ForwardTarget, keepsServer: Bool, into head: inout ByteBuffer
  ) -> Bool {
    do {
      try input.withBytes { bytes throws(NoRoom) in
        let kept = try writeRequestLine(bytes, target, to: &head)
        try writeKeptFields(bytes, from: kept, route, to: &head)
        try writeHost(bytes, route, to: &head)
        if trustsPeer || route.settings.overridesForwarding {
          try writeForwardingPiecemeal(bytes, route.settings, to: &head)
        } else {
          try writeForwarding(bytes, route, to: &head)
        }
        if let editor = route.settings.requestFields { try write(editor, of: nil, to: &head) }
        try writeConnection(bytes, keepsServer: keepsServer, to: &head)
        try head.writeEndOfHead()
      }
    } catch {
      return false
    }
    return true
  }

  /// Writes the request line, unless it can stay as it came.
  ///
  /// - Returns: where in `bytes` the part that stays begins.
  // Like the following ones, part of its caller as far as it is what nearly all requests need; what the
  // others need are functions apart.
  @inline(__always)
  private func writeRequestLine(
    _ bytes: RawSpan, _ target: ForwardTarget, to head: inout ByteBuffer
  ) throws(NoRoom) -> Int {
    // "GET /path HTTP/1.1": the last digit stands eight bytes behind the target.
    if case .received(let range) = target, range == request.target,
      bytes[range.end + 8] == UInt8(ascii: "1")
    {
      return Int(request.methodRange.start)
    }
    return try writeOtherRequestLine(bytes, target, to: &head)
  }

  @inline(never)
  private func writeOtherRequestLine(
    _ bytes: RawSpan, _ target: ForwardTarget, to head: inout ByteBuffer
  ) throws(NoRoom) -> Int {
    let method = bytes.slice(request.methodRange)
    switch target {
    case .received(let range):
      try head.write(requestLine: method, target: bytes.slice(range))
    case .made(let made):
      try head.write(method)
      try head.write(" ")
      guard made.count <= head.tailroom else { throw NoRoom() }
      head.append(made.span)
      try head.write(" HTTP/1.1\r\n")
    }
    return request.fields.first.map { Int($0.name.start) } ?? request.byteCount - 2
  }

  @inline(__always)
  private func writeKeptFields(
    _ bytes: RawSpan, from start: Int, _ route: RoutePlan, to head: inout ByteBuffer
  ) throws(NoRoom) {
    let settings = route.settings
    var dropped = trustsPeer ? droppedOfTrusted(settings) : settings.droppedFields
    if request.host.isEmpty || request.isAbsolute { dropped = dropped.union(.host) }
    if settings.requestFields == nil, !dropped.overlaps(FieldNames(of: request.fields)),
      request.fields.flags.rawValue & settings.droppedFlags == 0
    {
      return try head.write(bytes.extracting(start..<request.byteCount - 2))
    }
    try writeFields(bytes, from: start, but: dropped, settings, to: &head)
  }

  /// Writes the fields of a request that loses some.
  @inline(never)
  private func writeFields(
    _ bytes: RawSpan, from start: Int, but dropped: FieldNames, _ settings: RouteSettings,
    to head: inout ByteBuffer
  ) throws(NoRoom) {
    let flags = settings.droppedFlags
    let editor = settings.requestFields
    let end = request.byteCount - 2
    try head.write(request.fields, of: bytes, from: start, upTo: end) { field in
      if dropped.contains(field.known) || field.flags.rawValue & flags != 0 { return true }
      guard let editor else { return false }
      return editor.drops(field, of: bytes)
    }
  }

  @inline(__always)
  private func writeHost(
    _ bytes: RawSpan, _ route: RoutePlan, to head: inout ByteBuffer
  ) throws(NoRoom) {
    // The client's own is among the fields that stay.
    if case .client = route.options.host, !request.host.isEmpty, !request.isAbsolute { return }
    try writeOtherHost(bytes, route, to: &head)
  }

  @inline(never)
  private func writeOtherHost(
    _ bytes: RawSpan, _ route: RoutePlan, to head: inout ByteBuffer
  ) throws(NoRoom) {
    switch route.options.host {
    case .client:
      if request.host.isEmpty {
        // HTTP/1.0 needs no Host, HTTP/1.1 does: nginx's $proxy_host.
        try head.write(field: "Host", turn.server?.authority ?? route.upstream.authority)
      } else if request.isAbsolute {
        // RFC 9112 3.2.2: the target's authority replaces what Host said.
        try head.write(field: "Host", bytes.slice(request.host))
      }
    case .server:
      try head.write(field: "Host", turn.server?.authority ?? route.upstream.authority)
    case .fixed(let name):
      try head.write(field: "Host", name)
    }
  }

  @inline(__always)
  private func writeForwarding(
    _ bytes: RawSpan, _ route: RoutePlan, to head: inout ByteBuffer
  ) throws(NoRoom) {
    // 512 bytes hold everything below but the host, which is checked where it is written.
    guard head.tailroom >= 512 else { throw NoRoom() }
    if route.options.forwardedFields {
      if !forwardingLines.isEmpty {
        forwardingLines.append(to: &head)
      } else {
        writeForwardingLines(to: &head)
        if record.requests > 1 { keepForwardingLines() }
      }
      // The host's name, which no request but an old one is without, is the end of those lines.
      if request.host.isEmpty {
        head.truncate(Self.hostName.utf8CodeUnitCount)
      } else {
        try head.write(bytes.slice(request.host))
        try head.write("\r\n")
      }
    }
    if route.options.forwarded {
      try head.write("Forwarded: ")
      try writeForwardedElement(bytes, to: &head)
    }
    if route.options.requestID { try writeRequestID(to: &head) }
    if let pseudonym = route.options.via { try writeVia(pseudonym, to: &head) }
  }

  @inline(__always)
  func writeRequestID(to head: inout ByteBuffer) throws(NoRoom) {
    guard head.tailroom >= 64 else { throw NoRoom() }
    head.append("X-Request-ID: ")
    identifier.append(to: &head)
    head.append("\r\n")
  }

  @inline(never)
  func writeVia(_ pseudonym: String, to head: inout ByteBuffer) throws(NoRoom) {
    try head.write(request.minorVersion > 0 ? "Via: 1.1 " : "Via: 1.0 ")
    try head.write(pseudonym)
    try head.write("\r\n")
  }

  private static var hostName: StaticString { "X-Forwarded-Host: " }

  /// Writes the lines that are the same for all requests of a connection.
  @inline(never)
  private func writeForwardingLines(to head: inout ByteBuffer) {
    head.append("X-Forwarded-For: ")
    head.append(host: peer)
    head.append("\r\nX-Real-IP: ")
    head.append(host: peer)
    head.append("\r\nX-Forwarded-Proto: ")
    head.append(speaksTLS ? "https\r\n" : "http\r\n")
    head.append(Self.hostName)
  }

  /// Keeps them, from the second request on: many connections have one only.
  @inline(never)
  private func keepForwardingLines() {
    var lines = worker.buffers.borrow(.small)
    writeForwardingLines(to: &lines)
    forwardingLines = KeptLines(lines.bytes.array())
  }

  @inline(__always)
  private func writeConnection(
    _ bytes: RawSpan, keepsServer: Bool, to head: inout ByteBuffer
  ) throws(NoRoom) {
    if keepsServer, !offersUpgrade, !request.isChunked { return }
    try writeOtherConnection(bytes, keepsServer: keepsServer, to: &head)
  }

  @inline(never)
  private func writeOtherConnection(
    _ bytes: RawSpan, keepsServer: Bool, to head: inout ByteBuffer
  ) throws(NoRoom) {
    if request.isChunked { try head.write("Transfer-Encoding: chunked\r\n") }
    if offersUpgrade, let upgrade = request.upgrade {
      try head.write(field: "Upgrade", bytes.slice(upgrade))
      try head.write("Connection: Upgrade\r\n")
    } else if !keepsServer {
      try head.write("Connection: close\r\n")
    }
  }
}

/// Lines that are written for one request after another. Not copyable, so that they are written from
/// where they lie, and no reference is counted.
struct KeptLines: ~Copyable {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  var isEmpty: Bool { bytes.isEmpty }

  @inline(__always)
  borrowing func append(to head: inout ByteBuffer) { head.append(bytes) }
}

extension ByteBuffer {
  /// Copies the lines of fields that are not dropped, in as few pieces as there are gaps.
  ///
  /// - Parameters:
  ///   - start: where in `bytes` the first piece begins: at the first field, or at the line before.
  ///   - end: where the last line ends.
  mutating func write(
    _ fields: FieldLines, of bytes: RawSpan, from start: Int, upTo end: Int,
    dropping isDropped: (FieldLine) -> Bool
  ) throws(NoRoom) {
    var run = start
    for i in fields.indices where isDropped(fields[i]) {
      let start = Int(fields[i].name.start)
      if start > run { try write(bytes.extracting(run..<start)) }
      run = i + 1 < fields.count ? Int(fields[i + 1].name.start) : end
    }
    if end > run { try write(bytes.extracting(run..<end)) }
  }

  /// Writes a string's UTF-8.
  @_disfavoredOverload
  mutating func write(_ text: String) throws(NoRoom) {
    guard text.utf8.count <= tailroom else { throw NoRoom() }
    append(text)
  }

  /// Writes a field line. The value is from the configuration, which allows no line ends.
  mutating func write(field name: StaticString, _ value: String) throws(NoRoom) {
    try write(name)
    try write(": ")
    try write(value)
    try write("\r\n")
  }
}
