// Names for requests, to find one again in the logs of every program it passed through.
import Bytes

/// Makes 128-bit identifiers: unique, not secret. Worker-confined.
struct RequestIdentifiers {
  private var high: UInt64
  private var low: UInt64

  init() {
    var system = SystemRandomNumberGenerator()
    high = system.next()
    low = system.next()
  }

  mutating func next() -> RequestIdentifier {
    // SplitMix64 (Steele, Lea and Flood, 2014): a counter with a good mixer behind it.
    low &+= 0x9e37_79b9_7f4a_7c15
    return RequestIdentifier(high: Self.mix(low ^ high), low: Self.mix(low &+ high))
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

}

/// A request's identifier: one for all attempts to have it answered.
struct RequestIdentifier {
  var high: UInt64 = 0
  var low: UInt64 = 0

  /// Appends it as 32 hexadecimal digits.
  func append(to buffer: inout ByteBuffer) {
    let sixteens = SIMD2(high, low)
    let first = Self.digits(sixteens)
    let second = Self.digits(sixteens &>> 4)
    buffer.append(word: first[0])
    buffer.append(word: second[0])
    buffer.append(word: first[1])
    buffer.append(word: second[1])
  }

  /// Eight digits of each word: those of the lower nibbles of its bytes. 0x27 is added to those above
  /// nine, which takes "0" + 10 to "a".
  @inline(__always)
  private static func digits(_ words: SIMD2<UInt64>) -> SIMD2<UInt64> {
    let nibbles = words & SIMD2(repeating: 0x0f0f_0f0f_0f0f_0f0f)
    let carried = (nibbles &+ SIMD2(repeating: 0x0606_0606_0606_0606)) &>> 4
    let aboveNine = carried & SIMD2(repeating: 0x0101_0101_0101_0101)
    // 0x27 = 32 + 8 - 1: there is no instruction that multiplies two words of 64 bits.
    let letters = (aboveNine &<< 5) &+ (aboveNine &<< 3) &- aboveNine
    return nibbles &+ SIMD2(repeating: 0x3030_3030_3030_3030) &+ letters
  }
}
