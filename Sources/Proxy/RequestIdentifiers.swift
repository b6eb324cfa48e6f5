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

  private static func append(_ value: UInt64, to buffer: inout ByteBuffer) {
    var digits = InlineArray<16, UInt8>(repeating: 0)
    var rest = value
    for i in 0..<16 {
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      digits[i] = digit < 10 ? 0x30 + digit : 0x57 + digit
      rest >>= 4
    }
    buffer.append(digits.span)
  }
}
