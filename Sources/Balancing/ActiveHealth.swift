// What the health checks of one server have found: rise and fall.

/// The state of the process' one checker for one server; its events go to all workers.
///
/// A server starts as healthy: no traffic is refused because nobody has looked yet.
package struct ActiveHealth: Sendable, BitwiseCopyable {
  /// What a check has changed.
  package enum Event: Sendable { case none, rose, fell }

  package private(set) var isPassing = true
  /// Checks in a row with the present result.
  private var streak = 0
  private var lastPassed = true
  private var hasFailed = false

  package init() {}

  /// Takes in the result of a check.
  ///
  /// - Returns: `.fell` when the server is out from now; `.rose` when it has passed `rise` checks
  ///   since it last failed one. That is said also when it never fell, since workers may have
  ///   ejected it on their own, and a server that is back should not sit out a long ejection.
  ///   A server that passes every check while requests fail is not talked in again by this.
  package mutating func note(passed: Bool, policy: CheckPolicy) -> Event {
    streak = passed == lastPassed ? min(streak + 1, 1_000_000) : 1
    lastPassed = passed
    if passed {
      guard hasFailed, streak >= policy.rise else { return .none }
      hasFailed = false
      isPassing = true
      return .rose
    }
    hasFailed = true
    guard isPassing, streak >= policy.fall else { return .none }
    isPassing = false
    return .fell
  }

  /// How long to wait until the next check: the interval with its jitter.
  package static func pause(_ policy: CheckPolicy, random: inout RandomSource) -> Milliseconds {
    let span = max(0, policy.interval / 100 * policy.jitterPercent)
    let offset = Milliseconds(random.below(UInt64(2 * span + 1)))
    return max(1, policy.interval - span + offset)
  }

  /// How long to wait until the first check: anywhere in the interval, so that the servers of a
  /// large configuration are not all asked in the same millisecond.
  package static func firstPause(
    _ policy: CheckPolicy, random: inout RandomSource
  ) -> Milliseconds {
    Milliseconds(random.below(UInt64(max(1, policy.interval))))
  }
}
