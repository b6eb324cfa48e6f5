// The field names that mean something to the proxy, told apart once, when a head is parsed, so
// that every later question about a field is a comparison of one byte.

/// A field name the proxy knows; every other one is `other`.
@usableFromInline
package enum FieldName: UInt8, Sendable, BitwiseCopyable {
  case other
  // What the head parser itself acts on; `isRead` relies on their place.
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

  /// Whether the head parser has to look at the value.
  @inline(__always)
  var isRead: Bool { rawValue &- 1 < FieldName.keepAlive.rawValue }

  /// - Parameter name: a valid token; by its length it is compared with a few names.
  @inline(__always)
  package init(_ name: RawSpan) {
    self = name.byteCount < 12 ? Self.short(name) : Self.long(name)
  }

  @inline(__always)
  private static func short(_ name: RawSpan) -> FieldName {
    switch name.byteCount {
    case 2:
      name.isName("te") ? .te : .other
    case 3:
      name.isName("via")
        ? .via
        : name.isName("age") ? .age : .other
    case 4:
      name.isName("host")
        ? .host
        : name.isName("date")
          ? .date
          : name.isName("vary") ? .vary : .other
    case 5:
      name.isName("range")
        ? .range
        : name.isName("proxy") ? .proxy : .other
    case 6:
      name.isName("cookie")
        ? .cookie
        : name.isName("server")
          ? .server
          : name.isName("expect") ? .expect : .other
    case 7:
      name.isName("expires")
        ? .expires
        : name.isName("upgrade")
          ? .upgrade
          : name.isName("trailer") ? .trailer : .other
    case 8:
      name.isName("location")
        ? .location
        : name.isName("if-match")
          ? .ifMatch
          : name.isName("if-range") ? .ifRange : .other
    case 9:
      name.isName("x-real-ip")
        ? .xRealIP
        : name.isName("forwarded") ? .forwarded : .other
    case 10:
      name.isName("connection")
        ? .connection
        : name.isName("set-cookie")
          ? .setCookie
          : name.isName("keep-alive") ? .keepAlive : .other
    case 11:
      name.isName("retry-after") ? .retryAfter : .other
    default: .other
    }
  }

  @inline(__always)
  private static func long(_ name: RawSpan) -> FieldName {
    switch name.byteCount {
    case 12:
      name.isName("content-type")
        ? .contentType
        : name.isName("x-request-id")
          ? .xRequestID
          : name.isName("max-forwards") ? .maxForwards : .other
    case 13:
      name.isName("cache-control")
        ? .cacheControl
        : name.isName("authorization")
          ? .authorization
          : name.isName("if-none-match")
            ? .ifNoneMatch
            : name.isName("content-range") ? .contentRange : .other
    case 14:
      name.isName("content-length")
        ? .contentLength
        : name.isName("http2-settings") ? .http2Settings : .other
    case 15:
      name.isName("x-forwarded-for") ? .xForwardedFor : .other
    case 16:
      name.isName("x-forwarded-host")
        ? .xForwardedHost
        : name.isName("x-forwarded-port")
          ? .xForwardedPort
          : name.isName("content-encoding")
            ? .contentEncoding
            : name.isName("www-authenticate")
              ? .wwwAuthenticate
              : name.isName("proxy-connection") ? .proxyConnection : .other
    case 17:
      name.isName("transfer-encoding")
        ? .transferEncoding
        : name.isName("x-forwarded-proto")
          ? .xForwardedProto
          : name.isName("if-modified-since") ? .ifModifiedSince : .other
    case 18:
      name.isName("proxy-authenticate") ? .proxyAuthenticate : .other
    case 19:
      name.isName("proxy-authorization")
        ? .proxyAuthorization
        : name.isName("authentication-info")
          ? .authenticationInfo
          : name.isName("if-unmodified-since") ? .ifUnmodifiedSince : .other
    case 25:
      name.isName("proxy-authentication-info") ? .proxyAuthenticationInfo : .other
    default: .other
    }
  }
}

extension FieldName {
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
