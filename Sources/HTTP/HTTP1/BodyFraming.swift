// How the end of a message's body is found.

/// The framing of a body: RFC 9112 6.3.
package enum BodyFraming: Equatable, Sendable {
  /// The message ends with its head.
  case none
  /// Content-Length: that many bytes, at most `Int64.max`.
  case length(UInt64)
  /// Transfer-Encoding: chunked.
  case chunked
  /// A response without either: what comes until the server closes.
  case untilClose
}
