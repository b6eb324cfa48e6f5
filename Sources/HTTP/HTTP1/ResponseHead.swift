// The head of a response as the parser found it: decisions, and ranges into the bytes that came.

/// A response's head. Worker-confined; reused, and valid as long, as a `RequestHead`.
package final class ResponseHead {
  /// 100 to 999.
  package internal(set) var status: UInt16 = 0
  /// The reason phrase; may be empty.
  package internal(set) var reason = ByteRange.empty
  /// 0 for HTTP/1.0; 1 for 1.1 and any later 1.x.
  package internal(set) var minorVersion: UInt8 = 1
  package internal(set) var framing = BodyFraming.none
  /// Whether the server's connection can be used again after the body: RFC 9112 9.3.
  package internal(set) var keepAlive = true
  /// Upgrade's value, where Connection names it.
  package internal(set) var upgrade: ByteRange?
  /// Seconds that the server keeps an idle connection, if it says so: Keep-Alive: timeout=N.
  package internal(set) var keepAliveTimeout: UInt32?
  /// Bytes of the head, with its empty line.
  package internal(set) var byteCount = 0
  package internal(set) var fields = FieldLines()

  package init() {}

  /// The bytes from the first field line up to the empty line.
  package var fieldBytes: ByteRange {
    guard let first = fields.first else { return .empty }
    return ByteRange(Int(first.name.start)..<byteCount - 2)
  }

  /// The bytes of field line `index` with its CRLF: neighbours can be copied in one go.
  package func line(_ index: Int) -> ByteRange {
    let next = index + 1 < fields.count ? Int(fields[index + 1].name.start) : byteCount - 2
    return ByteRange(Int(fields[index].name.start)..<next)
  }

  /// The first field of a known name.
  package func first(_ name: FieldName) -> FieldLine? {
    guard fields.contains(name) else { return nil }
    for i in fields.indices where fields[i].known == name { return fields[i] }
    return nil
  }

  func clear() {
    reason = .empty
    upgrade = nil
    keepAliveTimeout = nil
    byteCount = 0
    fields.removeAll()
  }
}
