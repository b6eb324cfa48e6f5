// Forwarding fields one by one: for requests that trusted proxies pass on, whose fields are added to
// or kept, and for routes whose changes take the place of some. All others go by lines that are
// written once a connection (docs/decisions/0007).
import Bytes
import Configuration
import HTTP
import IO

extension ClientConnection where Stream: ~Copyable {
  /// Request fields that are not passed on as a trusted proxy has sent them.
  func droppedOfTrusted(_ settings: RouteSettings) -> FieldNames {
    guard settings.options.requestID, keptIdentifier == nil else {
      return settings.droppedOfTrusted
    }
    return settings.droppedOfTrusted.union(FieldNames(.xRequestID))
  }

  /// Writes what a server is told about the client.
  @inline(never)
  func writeForwardingPiecemeal(
    _ bytes: RawSpan, _ settings: RouteSettings, to head: inout ByteBuffer
  ) throws(NoRoom) {
    let options = settings.options
    if options.forwardedFields { try writeForwardedFields(bytes, settings, to: &head) }
    if options.forwarded, !settings.overrides(.forwarded) {
      try head.write("Forwarded: ")
      if trustsPeer { try writeValues(of: .forwarded, bytes, to: &head) }
      try writeForwardedElement(bytes, to: &head)
    }
    if options.requestID, keptIdentifier == nil, !settings.overrides(.xRequestID) {
      try writeRequestID(to: &head)
    }
    if let pseudonym = options.via, !settings.overrides(.via) {
      try writeVia(pseudonym, to: &head)
    }
  }

  private func writeForwardedFields(
    _ bytes: RawSpan, _ settings: RouteSettings, to head: inout ByteBuffer
  ) throws(NoRoom) {
    if !settings.overrides(.xForwardedFor) {
      try head.write("X-Forwarded-For: ")
      try appendForwardedFor(to: &head)
      try head.write("\r\n")
    }
    if !settings.overrides(.xRealIP) {
      guard head.tailroom >= 64 else { throw NoRoom() }
      head.append("X-Real-IP: ")
      append(client: &head)
      head.append("\r\n")
    }
    if !settings.overrides(.xForwardedProto), !isKept(.xForwardedProto) {
      try head.write(speaksTLS ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n")
    }
    if !request.host.isEmpty, !settings.overrides(.xForwardedHost), !isKept(.xForwardedHost) {
      try head.write(field: "X-Forwarded-Host", bytes.slice(request.host))
    }
  }

  /// Whether a field has come from a trusted proxy, so that it stays as it is.
  private func isKept(_ name: FieldName) -> Bool { trustsPeer && request.first(name) != nil }

  /// Writes the values of all fields of a name, each with a comma behind it.
  func writeValues(
    of name: FieldName, _ bytes: RawSpan, to head: inout ByteBuffer
  ) throws(NoRoom) {
    for field in request.fields where field.known == name && !field.value.isEmpty {
      try head.write(bytes.slice(field.value))
      try head.write(", ")
    }
  }

  /// RFC 7239: `for=192.0.2.60;host="example.com";proto=http` and the line's end.
  @inline(never)
  func writeForwardedElement(_ bytes: RawSpan, to head: inout ByteBuffer) throws(NoRoom) {
    guard head.tailroom >= 256 else { throw NoRoom() }
    head.append("for=")
    switch peer {
    case .v4: head.append(host: peer)
    case .v6:
      head.append("\"[")
      head.append(host: peer)
      head.append("]\"")
    case .unix: head.append("unknown")
    }
    if !request.host.isEmpty {
      try head.write(";host=\"")
      try head.write(bytes.slice(request.host))
      try head.write("\"")
    }
    try head.write(speaksTLS ? ";proto=https\r\n" : ";proto=http\r\n")
  }
}
