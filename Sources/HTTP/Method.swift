// Request methods, as far as a proxy has to tell them apart.

/// A request's method; the bytes of an `other` one are in the head.
package enum Method: UInt8, Sendable {
  case get, head, post, put, delete, connect, options, trace, patch, query, other

  /// Methods are case-sensitive (RFC 9110 9.1): `get` is some other method.
  init(_ name: RawSpan) {
    self =
      switch name.byteCount {
      case 3: name.equals("GET") ? .get : name.equals("PUT") ? .put : .other
      case 4: name.equals("POST") ? .post : name.equals("HEAD") ? .head : .other
      case 5:
        name.equals("PATCH")
          ? .patch : name.equals("QUERY") ? .query : name.equals("TRACE") ? .trace : .other
      case 6: name.equals("DELETE") ? .delete : .other
      case 7: name.equals("OPTIONS") ? .options : name.equals("CONNECT") ? .connect : .other
      default: .other
      }
  }

  /// Whether the client asks for no change of state: RFC 9110 9.2.1; for QUERY RFC 10008.
  package var isSafe: Bool {
    switch self {
    case .get, .head, .options, .trace, .query: true
    case .post, .put, .delete, .connect, .patch, .other: false
    }
  }

  /// Whether sending a request twice has the effect of sending it once: RFC 9110 9.2.2.
  package var isIdempotent: Bool { isSafe || self == .put || self == .delete }
}
