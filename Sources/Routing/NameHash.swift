// A keyed hash of host names. Customers of a hosting platform choose the names that stand in its
// table, so without a secret key one of them could choose names that all fall into one place.

/// SipHash-1-3 (Aumasson and Bernstein, 2012; one round a word and three at the end, as in the hash
/// tables of Rust, Python and Swift) over the bytes of a name with ASCII capitals made small.
struct NameHash: Sendable {
  private let key0: UInt64
  private let key1: UInt64

  init() {
    var random = SystemRandomNumberGenerator()
    self.init(key0: random.next(), key1: random.next())
  }

  init(key0: UInt64, key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  @inline(__always)
  func hash(_ name: RawSpan) -> UInt64 {
    var state = State(
      v0: key0 ^ 0x736f_6d65_7073_6575, v1: key1 ^ 0x646f_7261_6e64_6f6d,
      v2: key0 ^ 0x6c79_6765_6e65_7261, v3: key1 ^ 0x7465_6462_7974_6573)
    let count = name.byteCount
    var i = 0
    while i &+ 8 <= count {
      state.mix(name.word(i).lowercasedASCII)
      i &+= 8
    }
    state.mix(name.word(i).lowercasedASCII | UInt64(truncatingIfNeeded: count) << 56)
    state.v2 ^= 0xff
    state.round()
    state.round()
    state.round()
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3
  }

  private struct State {
    var v0: UInt64
    var v1: UInt64
    var v2: UInt64
    var v3: UInt64

    @inline(__always)
    mutating func mix(_ word: UInt64) {
      v3 ^= word
      round()
      v0 ^= word
    }

    @inline(__always)
    mutating func round() {
      v0 &+= v1
      v1 = v1 << 13 | v1 >> 51
      v1 ^= v0
      v0 = v0 << 32 | v0 >> 32
      v2 &+= v3
      v3 = v3 << 16 | v3 >> 48
      v3 ^= v2
      v0 &+= v3
      v3 = v3 << 21 | v3 >> 43
      v3 ^= v0
      v2 &+= v1
      v1 = v1 << 17 | v1 >> 47
      v1 ^= v2
      v2 = v2 << 32 | v2 >> 32
    }
  }
}
