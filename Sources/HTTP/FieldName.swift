// The field names that mean something to the proxy, told apart once, when a head is parsed, so
// that every later question about a field is a comparison of one byte.

/// A field name the proxy knows; every other one is `other`.
@usableFromInline
package enum FieldName: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  case other
  // What the head parser itself acts on.
  case connection, contentLength, transferEncoding, host, expect, upgrade, keepAlive
  // The other fields of one hop.
  case proxyConnection, te, trailer, http2Settings, proxyAuthenticate, proxyAuthorization
  case proxyAuthenticationInfo
  // What says who asked, and by which way.
  case xForwardedFor, xForwardedProto, xForwardedHost, xForwardedPort, xRealIP, xRequestID
  case forwarded, via, proxy
  // Authorisation and sessions.
  case authorization, authenticationInfo, wwwAuthenticate, cookie, setCookie
  // What controls the exchange, the content or a cache.
  case date, server, age, cacheControl, expires, location, retryAfter, vary, range, maxForwards
  case ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifRange
  case contentType, contentEncoding, contentRange
}

extension FieldName {
  /// The name's place in `FieldLines.known`.
  @inline(__always)
  var bit: UInt64 { 1 &<< UInt64(rawValue) }

  /// Whether the field belongs to one connection and is never forwarded as it came: RFC 9110
  /// 7.6.1, and Proxy, which CGI servers mistake for a setting (behaviour 24). Framing fields and
  /// Upgrade are here too: what is forwarded of them is written anew.
  package var isHopByHop: Bool {
    switch self {
    case .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade,
      .http2Settings, .proxy:
      true
    default: false
    }
  }

  /// Whether a Connection field can have it removed. A client may not use that to strip what
  /// servers decide by, what frames the message, or what this proxy itself sets (behaviour 22).
  var isRemovableByConnection: Bool {
    switch self {
    case .host, .contentLength, .transferEncoding, .expect, .authorization, .cookie, .setCookie,
      .xForwardedFor, .xForwardedProto, .xForwardedHost, .xForwardedPort, .xRealIP, .xRequestID,
      .forwarded, .via, .cacheControl, .contentType, .contentEncoding, .contentRange, .date,
      .authenticationInfo, .wwwAuthenticate:
      false
    default: true
    }
  }

  /// Whether a trailer field of this name may be passed on: only names that frame nothing, route
  /// nothing, authorise nobody and describe no content (RFC 9110 6.5.1, behaviour 11).
  package var isAllowedInTrailers: Bool { self == .other || self == .date || self == .server }
}
