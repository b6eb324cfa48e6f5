// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash for short messages that is also a MAC.

/// Without the key, nobody can tell or forge a message's hash.
package enum SipHash {
  /// 128 bits, the two halves little-endian as in the paper.
  package struct Key: Sendable, Equatable, BitwiseCopyable {
    package let low: UInt64
    package let high: UInt64

    package init(_ low: UInt64, _ high: UInt64) { (self.low, self.high) = (low, high) }
  }

  package static func hash64(_ bytes: Span<UInt8>, key: Key) -> UInt64 {
    var state = State(key)
    state.absorb(bytes)
    return state.finish(0xFF)
  }

  /// The variant of 128 bits, from the authors' reference implementation.
  package static func hash128(_ bytes: Span<UInt8>, key: Key) -> (low: UInt64, high: UInt64) {
    var state = State(key)
    state.v1 ^= 0xEE
    state.absorb(bytes)
    let low = state.finish(0xEE)
    state.v1 ^= 0xDD
    state.rounds(4)
    return (low, state.folded)
  }

  private struct State {
    var v0, v1, v2, v3: UInt64

    init(_ key: Key) {
      v0 = key.low ^ 0x736F_6D65_7073_6575
      v1 = key.high ^ 0x646F_7261_6E64_6F6D
      v2 = key.low ^ 0x6C79_6765_6E65_7261
      v3 = key.high ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ bytes: Span<UInt8>) {
      var word: UInt64 = 0
      for i in bytes.indices {
        word |= UInt64(bytes[i]) &<< UInt64((i & 7) &* 8)
        if i & 7 == 7 {
          mix(word)
          word = 0
        }
      }
      mix(word | UInt64(truncatingIfNeeded: bytes.count) &<< 56)
    }

    private mutating func mix(_ word: UInt64) {
      v3 ^= word
      rounds(2)
      v0 ^= word
    }

    mutating func finish(_ mark: UInt64) -> UInt64 {
      v2 ^= mark
      rounds(4)
      return folded
    }

    var folded: UInt64 { v0 ^ v1 ^ v2 ^ v3 }

    @inline(__always)
    mutating func rounds(_ count: Int) {
      for _ in 0..<count {
        v0 &+= v1
        v2 &+= v3
        v1 = Self.rotate(v1, 13) ^ v0
        v3 = Self.rotate(v3, 16) ^ v2
        v0 = Self.rotate(v0, 32)
        v2 &+= v1
        v0 &+= v3
        v1 = Self.rotate(v1, 17) ^ v2
        v3 = Self.rotate(v3, 21) ^ v0
        v2 = Self.rotate(v2, 32)
      }
    }

    @inline(__always)
    private static func rotate(_ x: UInt64, _ by: UInt64) -> UInt64 {
      (x &<< by) | (x &>> (64 &- by))
    }
  }
}
