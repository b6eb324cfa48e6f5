// Keeping a server out for a while, longer each time, and letting it in again on probation.

/// The part of `HealthState` that counts failures and times out.
///
/// The time out doubles from one ejection to the next. It shrinks again without a timer: for each
/// time that the server has then been in as long as it was last out, one doubling is forgotten.
struct Ejection: Sendable, BitwiseCopyable {
  enum Reason: UInt8, Sendable, BitwiseCopyable { case failures, errorRate }

  /// Failures in a row since the last answer.
  private(set) var failures = 0
  /// Out until this moment.
  private(set) var until: Milliseconds = 0
  private(set) var reason = Reason.failures
  /// How often in a row it has been ejected; 0 when all is forgiven.
  private(set) var level = 0
  /// Whether it has not answered since it was last ejected. Then one failure is enough.
  private(set) var isUnproven = false

  @inline(__always)
  func isOut(at now: Milliseconds) -> Bool { now < until }

  /// Counts a failure.
  ///
  /// - Returns: whether it is time to eject.
  mutating func fail(policy: HealthPolicy) -> Bool {
    failures = min(failures + 1, 1_000_000)
    return isUnproven || (policy.failuresInRow > 0 && failures >= policy.failuresInRow)
  }

  mutating func eject(for reason: Reason, at now: Milliseconds, policy: HealthPolicy) {
    if level > 0, now > until {
      let forgiven = (now - until) / max(1, Self.duration(level: level, policy))
      level -= Int(min(Int64(level), forgiven))
    }
    if level == 0 || Self.duration(level: level, policy) < policy.longestEjection { level += 1 }
    until = now + Self.duration(level: level, policy)
    self.reason = reason
    isUnproven = true
    failures = 0
  }

  /// It has answered.
  mutating func prove() {
    failures = 0
    isUnproven = false
  }

  /// It may come in again before its time.
  mutating func end(at now: Milliseconds) {
    until = min(until, now)
    prove()
  }

  /// How long the ejection of a level lasts: the first for 1, then doubled, up to the longest.
  static func duration(level: Int, _ policy: HealthPolicy) -> Milliseconds {
    var duration = policy.firstEjection
    for _ in 1..<max(2, level) where level > 1 && duration < policy.longestEjection {
      duration += duration
    }
    return min(duration, policy.longestEjection)
  }
}
