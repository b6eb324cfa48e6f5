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
    Self.append(high, to: &buffer)
    Self.append(low, to: &buffer)
  }

  /// Eight digits at a time: each byte of `spread` gets one nibble, and 0x27 is added to those above
  /// nine, which takes "0" + 10 to "a".
  private static func append(_ value: UInt64, to buffer: inout ByteBuffer) {
    buffer.append(word: digits(UInt32(truncatingIfNeeded: value)))
    buffer.append(word: digits(UInt32(truncatingIfNeeded: value >> 32)))
  }

  private static func digits(_ value: UInt32) -> UInt64 {
    var spread = UInt64(value)
    spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff
    spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
    spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f
    let aboveNine = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return spread &+ 0x3030_3030_3030_3030 &+ aboveNine &* 0x27
  }
}
