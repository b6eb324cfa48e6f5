// Texts as spans, and random numbers that are the same in every run.
import Bytes
import Testing

@testable import Routing

extension String {
  /// The UTF-8 of the text for as long as `use` runs.
  func withSpan<Result>(_ use: (RawSpan) throws -> Result) rethrows -> Result {
    // SAFETY: a UInt8 has no padding that could be read.
    try unsafe use(Array(utf8).span.bytes)
  }
}

/// SplitMix64 (Steele and others, 2014).
struct Seeded: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}
