// The cookie that brings a client back to its server.

// The cookie is the MAC of the server's identity, and nothing else: 128 bits of SipHash-2-4 over the
// upstream's and the server's identity, under a secret key, in 22 characters of base64url. So there is
// nothing to read in it, no address to learn and none to guess offline; it cannot be forged, as only
// whoever has the key can make one that matches; and it is the same for the same server after every
// reload, in every worker and on every machine with the same key. There is no format to parse and no
// version to check: a cookie is one of the few that this upstream gives out, or it is void. What a MAC
// over a readable text would give beyond that is an expiry, which cookies have already.
//
// SipHash and not HMAC-SHA256: both are MACs, the message is 16 bytes and ours, and the most that
// could be won by a forgery is the choice of one's server.

/// A session cookie's value: 22 characters of base64url.
package struct StickyCookie: Sendable, Equatable, BitwiseCopyable {
  /// The length in bytes.
  package static let count = 22

  private let low: UInt64
  private let high: UInt64

  init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

  /// nil where the bytes are none of the values that `text` makes.
  package init?(_ bytes: RawSpan) {
    let bytes = Span<UInt8>(_bytes: bytes)
    guard bytes.count == Self.count else { return nil }
    var value: UInt128 = 0
    for i in bytes.indices {
      guard let digit = Self.value(of: bytes[i]) else { return nil }
      // The last digit holds the last two bits only.
      if i == Self.count - 1 {
        guard digit < 4 else { return nil }
        value = value << 2 | UInt128(digit)
      } else {
        value = value << 6 | UInt128(digit)
      }
    }
    self.init(
      low: UInt64(truncatingIfNeeded: value), high: UInt64(truncatingIfNeeded: value >> 64))
  }

  /// The byte at `index` of the value.
  package func byte(at index: Int) -> UInt8 {
    precondition(index >= 0 && index < Self.count)
    let value = UInt128(high) << 64 | UInt128(low)
    let digit =
      index == Self.count - 1 ? value & 3 : value >> UInt128(122 - 6 * index) & 63
    return Self.digits[Int(digit)]
  }

  package var text: String {
    String(decoding: (0..<Self.count).map(byte(at:)), as: UTF8.self)
  }

  /// Whether two are the same, in a time that does not tell how far they are.
  func matches(_ other: StickyCookie) -> Bool {
    (low ^ other.low) | (high ^ other.high) == 0
  }

  private static let digits = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  private static func value(of byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "-"): 62
    case UInt8(ascii: "_"): 63
    default: nil
    }
  }
}

/// The cookies of one upstream. Immutable; built again when its servers change.
package struct StickySessions: Sendable {
  /// For each key the cookies of all servers; the first key's are given out.
  private let cookies: [[StickyCookie]]

  /// - Parameters:
  ///   - upstream: `HashKey.of` the upstream's name: a cookie of another one is void here.
  ///   - servers: in the order of the `Balancer`'s.
  ///   - keys: the present one, then those that are still accepted; not empty.
  package init(upstream: UInt64, servers: [ServerState], keys: [SipHash.Key]) {
    cookies = keys.map { key in
      servers.map { server in
        let message = [upstream, server.identity].flatMap { word in
          stride(from: 0, to: 64, by: 8).map { UInt8(truncatingIfNeeded: word >> $0) }
        }
        let (low, high) = SipHash.hash128(message.span, key: key)
        return StickyCookie(low: low, high: high)
      }
    }
  }

  /// The cookie of a client whose session is on the server.
  package func cookie(for index: Int) -> StickyCookie { cookies[0][index] }

  /// The server that a cookie means, and whether it is to be given out anew because its key is old.
  /// nil if it is none of ours, or its server is gone.
  package func server(for bytes: RawSpan) -> (index: Int, isOld: Bool)? {
    guard let cookie = StickyCookie(bytes) else { return nil }
    for (age, cookies) in cookies.enumerated() {
      for index in cookies.indices where cookies[index].matches(cookie) {
        return (index, age > 0)
      }
    }
    return nil
  }
}
