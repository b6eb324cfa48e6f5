// The head of a request as the parser found it: decisions, and ranges into the bytes that came.

/// Which of the four forms a request target has: RFC 9112 3.2.
package enum TargetForm: UInt8, Sendable {
  /// `/path?query`
  case origin
  /// `http://authority/path?query`
  case absolute
  /// `host:port`, with CONNECT only.
  case authority
  /// `*`, with OPTIONS only.
  case asterisk
}

/// A request's head. Worker-confined; reused for one request after another, so that its fields'
/// storage is allocated once.
///
/// Every range counts from the first byte given to the parser. What is here is valid after
/// `HeadParser.parse` returned true, until the bytes or this object are used for something else.
package final class RequestHead {
  package internal(set) var method = Method.other
  package internal(set) var methodRange = ByteRange.empty
  /// The whole target, as it came.
  package internal(set) var target = ByteRange.empty
  package internal(set) var form = TargetForm.origin
  /// The authority in an absolute target, or the target of CONNECT; otherwise empty.
  package internal(set) var authority = ByteRange.empty
  /// Host and port the request is for: Host's value, or the authority of an absolute target, which
  /// Host must not differ from. Empty for an HTTP/1.0 request that names none.
  package internal(set) var host = ByteRange.empty
  /// The path of an origin or absolute target; empty in `http://host` and the other forms.
  package internal(set) var path = ByteRange.empty
  /// What follows the first "?", without it.
  package internal(set) var query = ByteRange.empty
  /// Whether there is a "?": an empty query is not none.
  package internal(set) var hasQuery = false
  /// 0 for HTTP/1.0; 1 for 1.1 and any later 1.x.
  package internal(set) var minorVersion: UInt8 = 1
  package internal(set) var framing = BodyFraming.none
  /// Whether the client wants another request on this connection: RFC 9112 9.3.
  package internal(set) var keepAlive = true
  /// Whether a 100 is waited for before the body; false where there is no body.
  package internal(set) var expectsContinue = false
  /// Upgrade's value, in an HTTP/1.1 request whose Connection field names it.
  package internal(set) var upgrade: ByteRange?
  /// Bytes of the head, with empty lines before it and the one after it.
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
    authority = .empty
    host = .empty
    path = .empty
    query = .empty
    hasQuery = false
    upgrade = nil
    byteCount = 0
    fields.removeAll()
  }
}
