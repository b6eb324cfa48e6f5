// Numbers for keys and servers that are the same in every worker, after every restart, everywhere.

package enum HashKey {
  /// Fixed on purpose: two rsp beside each other must agree, and what an attacker could win by
  /// keys that meet at one server is what the bounded load takes back.
  private static let secret = SipHash.Key(0x7273_7020_6861_7368, 0x6B65_7920_6F66_2061)

  /// The number of a request value, or of a server's address or name.
  package static func of(_ bytes: RawSpan) -> UInt64 {
    SipHash.hash64(Span(_bytes: bytes), key: secret)
  }

  /// The number of an address of up to 128 bits.
  package static func of(_ high: UInt64, _ low: UInt64) -> UInt64 {
    let bytes = [16 of UInt8] { index in
      UInt8(truncatingIfNeeded: (index < 8 ? low : high) &>> UInt64(index & 7 &* 8))
    }
    return SipHash.hash64(bytes.span, key: secret)
  }

  package static func of(_ text: String) -> UInt64 {
    SipHash.hash64(text.utf8Span.span, key: secret)
  }

  /// What says how far a server is from a key: uniform bits, of which `exponential` makes a distance.
  @inline(__always)
  static func meet(_ key: UInt64, _ identity: UInt64) -> UInt64 {
    RandomSource.mix(key ^ identity)
  }
}
