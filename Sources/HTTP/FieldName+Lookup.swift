// How a name is recognised: its length and its last two letters lead to the one known name it can
// be, and one comparison of all its letters tells whether it is.
//
// No two known names agree in length and last two letters. A multiplication spreads these three
// bytes over 128 slots; its factor was found by trying odd numbers, and the table's making stops at
// two names that share a slot, so whoever adds a name may have to try further.
import CScan

extension FieldName {
  /// - Parameter name: a token.
  package init(_ name: RawSpan) {
    guard let ending = name.pair(at: name.byteCount - 2) else {
      self = .other
      return
    }
    self = KnownNames.all.name(
      name, from: 0, count: name.byteCount, name.group(at: 0), ending)
  }

  /// The name in small letters; empty for `other`.
  var text: StaticString {
    switch self {
    case .other: ""
    case .connection: "connection"
    case .contentLength: "content-length"
    case .transferEncoding: "transfer-encoding"
    case .host: "host"
    case .expect: "expect"
    case .upgrade: "upgrade"
    case .keepAlive: "keep-alive"
    case .proxyConnection: "proxy-connection"
    case .te: "te"
    case .trailer: "trailer"
    case .http2Settings: "http2-settings"
    case .proxyAuthenticate: "proxy-authenticate"
    case .proxyAuthorization: "proxy-authorization"
    case .proxyAuthenticationInfo: "proxy-authentication-info"
    case .xForwardedFor: "x-forwarded-for"
    case .xForwardedProto: "x-forwarded-proto"
    case .xForwardedHost: "x-forwarded-host"
    case .xForwardedPort: "x-forwarded-port"
    case .xRealIP: "x-real-ip"
    case .xRequestID: "x-request-id"
    case .forwarded: "forwarded"
    case .via: "via"
    case .proxy: "proxy"
    case .authorization: "authorization"
    case .authenticationInfo: "authentication-info"
    case .wwwAuthenticate: "www-authenticate"
    case .cookie: "cookie"
    case .setCookie: "set-cookie"
    case .date: "date"
    case .server: "server"
    case .age: "age"
    case .cacheControl: "cache-control"
    case .expires: "expires"
    case .location: "location"
    case .retryAfter: "retry-after"
    case .vary: "vary"
    case .range: "range"
    case .maxForwards: "max-forwards"
    case .ifMatch: "if-match"
    case .ifNoneMatch: "if-none-match"
    case .ifModifiedSince: "if-modified-since"
    case .ifUnmodifiedSince: "if-unmodified-since"
    case .ifRange: "if-range"
    case .contentType: "content-type"
    case .contentEncoding: "content-encoding"
    case .contentRange: "content-range"
    }
  }
}

/// The table of the names. One object, made when the first head is parsed and never changed.
final class KnownNames: Sendable {
  static let all = KnownNames()

  /// A known name as it is compared; or nothing, which is as long as no name.
  private struct Slot {
    var name = FieldName.other
    var count = 0
    /// The first 16 letters, and NULs after them.
    var first = Group()
    /// The last 16 letters of a longer name.
    var last = Group()
  }

  private let slots: InlineArray<128, Slot>

  private init() {
    var slots = InlineArray<128, Slot>(repeating: Slot())
    for name in FieldName.allCases where name != .other {
      let text = name.text
      let count = text.utf8CodeUnitCount
      precondition(2..<32 ~= count)
      var slot = Slot(name: name, count: count)
      for i in 0..<min(count, 16) { slot.first[i] = text.byte(i) }
      if count > 16 { for i in 0..<16 { slot.last[i] = text.byte(count - 16 + i) } }
      let ending = UInt16(text.byte(count - 2)) | UInt16(text.byte(count - 1)) << 8
      let place = Self.place(count, ending)
      precondition(slots[place].count == 0, "two names share a slot")
      slots[place] = slot
    }
    self.slots = slots
  }

  /// Where a name of that length would be.
  ///
  /// - Parameter ending: its last two letters, in any case, the last one in the high byte.
  @inline(__always)
  private static func place(_ count: Int, _ ending: UInt16) -> Int {
    let key = UInt32(ending | 0x2020) | UInt32(truncatingIfNeeded: count) &<< 16
    return Int((key &* 586_743) &>> 25)
  }

  /// The known name that the token at `start` is.
  ///
  /// Setting bit 5 of each byte lowers the letters and leaves digits and "-" as they are; of the
  /// bytes a token may hold, only "^" and "_" turn into something else, "~" and DEL, and no known
  /// name holds those.
  ///
  /// - Parameters:
  ///   - group: the 16 bytes at `start`.
  ///   - ending: the token's last two bytes.
  @inline(__always)
  func name(
    _ bytes: RawSpan, from start: Int, count: Int, _ group: Group, _ ending: UInt16
  ) -> FieldName {
    let place = Self.place(count, ending)
    guard slots[place].count == count else { return .other }
    let firstDifference =
      (cscan_differences(group, slots[place].first) | 1 << 16).trailingZeroBitCount
    guard firstDifference >= min(count, 16) else { return .other }
    if count > 16, cscan_differences(bytes.group(at: start &+ count &- 16), slots[place].last) != 0
    {
      return .other
    }
    return slots[place].name
  }
}
