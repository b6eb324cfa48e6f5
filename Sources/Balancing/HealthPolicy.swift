// The numbers that health is judged by. The defaults are those of the behaviour table in the docs.

/// Milliseconds: a duration, or a moment on a clock that never goes back. Given in by the caller.
package typealias Milliseconds = Int64

/// How the requests themselves tell that a server is ill. One for each upstream.
package struct HealthPolicy: Sendable, BitwiseCopyable, Equatable {
  /// As many connect failures, resets or timeouts in a row put a server out; 0 switches it off.
  package var failuresInRow: Int = 3
  package var firstEjection: Milliseconds = 10_000
  /// Each further ejection lasts twice as long as the one before, up to this.
  package var longestEjection: Milliseconds = 300_000
  /// A server that comes back gets its weight step by step over this time; 0: at once.
  package var slowStart: Milliseconds = 0
  package var breaker: BreakerPolicy? = nil

  package init() {}
}

/// The circuit breaker on the rate of errors (an option): counts 5xx answers and failures alike.
package struct BreakerPolicy: Sendable, BitwiseCopyable, Equatable {
  /// The share of errors at which a server is put out, 1-100.
  package var errorPercent: Int = 50
  /// The time that is looked back on: between a half and the whole of it.
  package var window: Milliseconds = 10_000
  /// With fewer requests in the window nothing is concluded.
  package var minimumRequests: Int = 20

  package init() {}
}

/// How a server is asked for its health.
package struct CheckPolicy: Sendable, BitwiseCopyable, Equatable {
  package var interval: Milliseconds = 5_000
  /// Each pause is longer or shorter than `interval` by up to this share, so that checks spread.
  package var jitterPercent: Int64 = 10
  package var timeout: Milliseconds = 2_000
  /// As many checks passed in a row bring a server in.
  package var rise: Int = 2
  /// As many checks failed in a row put a server out.
  package var fall: Int = 3

  package init() {}
}
