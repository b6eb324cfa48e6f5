// Which fields are not passed on: a set of known names, asked for every field of every message.
import HTTP

/// A set of known field names, as one word.
struct FieldNames {
  private var bits: UInt64 = 0

  init(_ names: FieldName...) {
    for name in names { bits |= 1 << UInt64(name.rawValue) }
  }

  func contains(_ name: FieldName) -> Bool { bits >> UInt64(name.rawValue) & 1 != 0 }

  func union(_ other: FieldNames) -> FieldNames {
    var union = self
    union.bits |= other.bits
    return union
  }

  static let host = FieldNames(.host)

  /// Fields of one connection (RFC 9110 7.6.1), and Proxy, which CGI takes for a setting
  /// (behaviour 24).
  static let ofConnection = FieldNames(
    .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade, .http2Settings,
    .proxy)
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
