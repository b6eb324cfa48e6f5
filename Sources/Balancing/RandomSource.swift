// Fast pseudo-random numbers for choosing servers. One concrete generator instead of a generic
// parameter: generics are not specialised across modules, and a pick has 100 ns.

/// SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixer. Not for secrets. Worker-confined:
/// each worker seeds its own, so that workers don't choose in step; tests seed it with a constant.
package struct RandomSource: RandomNumberGenerator, Sendable, BitwiseCopyable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  @inline(__always)
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// A number in `0..<bound`; 0 for a bound of 0. The bias is below `bound` / 2^64.
  @inline(__always)
  mutating func below(_ bound: UInt64) -> UInt64 {
    bound.multipliedFullWidth(by: next()).high
  }

  /// A bijection of 64 bits in which every input bit flips every output bit half of the time.
  @inline(__always)
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z &>> 31)
  }

  /// The 53 upper bits as a number in 0..<1.
  @inline(__always)
  static func fraction(_ bits: UInt64) -> Double {
    // By way of a signed number, whose conversion is one instruction.
    Double(Int64(bitPattern: bits &>> 11)) * 0x1p-53
  }

  /// Makes 64 uniform bits an exponentially distributed number with the mean 1: -ln(1 - bits/2^64).
  ///
  /// The standard library has no logarithm. Halvings are counted by the leading zeros, the rest
  /// is the series of the inverse hyperbolic tangent; the relative error is below 2e-5, and the
  /// same bits give the same number on every machine.
  @inline(__always)
  static func exponential(_ bits: UInt64) -> Double {
    let rest = ~bits | 1
    let halvings = rest.leadingZeroBitCount
    let missing = fraction(0 &- (rest &<< UInt64(truncatingIfNeeded: halvings)))
    let s = missing / (2 - missing)
    let square = s * s
    let series = 2 + square * (2.0 / 3 + square * (2.0 / 5 + square * (2.0 / 7)))
    return Double(halvings) * 0.693147180559945309 + s * series
  }
}
