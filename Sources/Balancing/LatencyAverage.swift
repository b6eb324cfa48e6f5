// How long a server takes at present, with a good memory for bad news.

// Peak EWMA (Finagle's idea). An average that forgets evenly learns too late that a server has
// become slow: by then a queue stands in front of it. So a latency above the average replaces it at
// once, and only good news is averaged in, by the age of the old value. While nothing is heard, the
// value fades towards zero, so that a server that was slow is asked again after a while.
//
// The age counts in half-lives. Between two of them the curve is a straight line: exact at each half-
// life, at most 6 % too high between, and it needs no exponential function.

/// Worker-confined. Times in milliseconds, latencies in microseconds.
package struct LatencyAverage: Sendable, BitwiseCopyable {
  /// After this time, half of what was known has gone.
  package static let halfLife: Milliseconds = 5_000
  /// No latency above this is believed (an hour): it would outlive everybody.
  package static let longest: Double = 3_600_000_000

  /// The value when it was last changed; 0 before the first.
  private var value = 0.0
  private var changed: Milliseconds = 0

  package init() {}

  package mutating func observe(microseconds: Int64, at now: Milliseconds) {
    let latency = min(Double(max(1, microseconds)), Self.longest)
    if latency >= current(at: now) {
      value = latency
    } else {
      value = latency + (value - latency) * Self.remaining(after: now - changed)
    }
    changed = now
  }

  /// The microseconds to expect; 0 when nothing is known.
  @inline(__always)
  package func current(at now: Milliseconds) -> Double {
    if value == 0 || now <= changed { return value }
    return value * Self.remaining(after: now &- changed)
  }

  /// The share of the old value that is left after a time.
  @inline(__always)
  static func remaining(after age: Milliseconds) -> Double {
    if age <= 0 { return 1 }
    if age < halfLife { return 1 - Double(age) * (0.5 / Double(halfLife)) }
    let halvings = age / halfLife
    if halvings > 60 { return 0 }
    let part = Double(age % halfLife) / Double(halfLife)
    // 1/2^halvings, exactly.
    return (1 - part / 2) / Double(UInt64(1) &<< UInt64(halvings))
  }
}
