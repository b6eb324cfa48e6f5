// Which fields are not passed on: a set of known names, asked for every field of every message.
import HTTP

/// A set of known field names, as one word.
struct FieldNames {
  private var bits: UInt64 = 0

  init(_ names: FieldName...) {
    for name in names { bits |= 1 << UInt64(name.rawValue) }
  }

  /// The known names among some fields.
  init(of fields: FieldLines) { bits = fields.known }

  func contains(_ name: FieldName) -> Bool { bits >> UInt64(name.rawValue) & 1 != 0 }

  func union(_ other: FieldNames) -> FieldNames {
    var union = self
    union.bits |= other.bits
    return union
  }

  func overlaps(_ other: FieldNames) -> Bool { bits & other.bits != 0 }

  static let host = FieldNames(.host)

  /// Fields of one connection (RFC 9110 7.6.1), and Proxy, which CGI takes for a setting
  /// (behaviour 24).
  static let ofConnection = FieldNames(
    .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade, .http2Settings,
    .proxy)
  /// What frames a message or directs it, which no configuration may change field by field: the
  /// host has an option of its own (`host`).
  static let ofMessage = ofConnection.union(
    FieldNames(.host, .contentLength, .trailer, .expect))
  /// What only this proxy says about the client: from outside it is replaced, never added to.
  static let ofForwarding = FieldNames(
    .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort, .xRealIP, .forwarded)
}

extension RequestHead {
  /// Whether the body comes in chunks.
  var isChunked: Bool { if case .chunked = framing { true } else { false } }

  var isHead: Bool { if case .head = method { true } else { false } }

  /// Whether the target has the absolute form.
  var isAbsolute: Bool { if case .absolute = form { true } else { false } }
}

extension RawSpan {
  /// Whether a member of this list begins with one of some words, given in lower case.
  func names(anyOf words: StaticString...) -> Bool {
    var start = 0
    for end in 0...byteCount where end == byteCount || self[end] == UInt8(ascii: ",") {
      let member = slice(ByteRange(trimmingBlanks(start..<end)))
      start = end + 1
      for word in words where member.byteCount >= word.utf8CodeUnitCount {
        if member.extracting(0..<word.utf8CodeUnitCount).equalsIgnoringCase(word) { return true }
      }
    }
    return false
  }
}
