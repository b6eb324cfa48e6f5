// Whether a server may get requests: what the operator says, what the checks found, and how its
// requests went, as one state machine without a clock.

// Out and in again:
//
//        answered                   3 failures in a row, or too many errors
//     ┌──────────── in ◄───────────────────────────────────────────────┐
//     └───────────► │ ─────────────────────────► ejected (10 s, 20 s, … 5 min)
//      slow start,  │                                │ time is over
//      if there is  └◄────────── on probation ◄──────┘
//                      answered       │ failed: ejected again, twice as long
//
// On probation a server has the smallest slow-start weight, so little is lost if it is still ill.
// Failures of requests that were under way when a server was ejected count no more. An answer from an
// ejected server (one of those requests, or under the panic rule) brings it in at once, unless it was
// ejected for its error rate: answers among the errors are no news then.

/// How a request to a server went.
package enum Outcome: Sendable {
  /// It answered, with a status below 500.
  case answered
  /// It answered with a 5xx; only the circuit breaker takes offence.
  case answeredWithError
  /// No connection, a reset or a timeout.
  case failed
}

/// What an outcome or a check has changed, for the log.
package enum HealthChange: Sendable, Equatable {
  case none
  /// Out from now, for as long.
  case ejected(Milliseconds)
  case readmitted
}

/// What the operator wants of a server.
package enum Administrative: UInt8, Sendable, BitwiseCopyable {
  case up
  /// Nothing new but the sessions that stick to it.
  case draining
  case down
}

/// What to tell of a server.
package enum Availability: Sendable, Equatable {
  case up
  /// In, with a part of its weight.
  case warming
  /// The ejection is over, but it has not answered yet.
  case onProbation
  case ejected(until: Milliseconds)
  /// Its health checks fail.
  case failing
  case draining
  case down
}

/// Worker-confined, as each worker sees its own requests.
package struct HealthState: Sendable, BitwiseCopyable {
  /// Weights are multiplied by a factor of 0-256 of this many parts.
  static let fullFactor: Int64 = 256
  /// The smallest factor: a sixteenth.
  static let coldFactor: Int64 = 16

  // What a pick asks of every server, in one comparison each; follows from the rest.
  /// From when on it is in; never where it is out for another reason than an ejection.
  private var inFrom: Milliseconds = 0
  /// From when on it has its whole weight; never while it is on probation.
  private var wholeFrom: Milliseconds = 0

  package private(set) var administrative = Administrative.up
  package private(set) var isPassingChecks = true
  private(set) var ejection = Ejection()
  private var errors = ErrorWindow()
  private var warmAt: Milliseconds = 0
  private var warmingTime: Milliseconds = 0

  package init() {}

  /// Whether new requests may go there.
  @inline(__always)
  func isUp(at now: Milliseconds) -> Bool { now >= inFrom }

  /// Whether it is out for no other reason than its requests: then the panic rule may use it.
  @inline(__always)
  func isOnlyEjected(at now: Milliseconds) -> Bool {
    administrative == .up && isPassingChecks && ejection.isOut(at: now)
  }

  /// Whether a session that sticks to it may go on there.
  func keepsSessions(at now: Milliseconds) -> Bool {
    administrative != .down && isPassingChecks && !ejection.isOut(at: now)
  }

  /// Whether an answer says nothing new, unless somebody counts them: it has not failed since the last.
  @inline(__always)
  var isBlameless: Bool { ejection.failures == 0 && !ejection.isUnproven }

  /// The share of its weight that a server has, in parts of `fullFactor`.
  @inline(__always)
  func factor(at now: Milliseconds) -> Int64 {
    if now >= wholeFrom { return Self.fullFactor }
    return partialFactor(at: now)
  }

  private func partialFactor(at now: Milliseconds) -> Int64 {
    if ejection.isUnproven || warmingTime <= 0 { return Self.coldFactor }
    let warmed = max(0, warmingTime - (warmAt - now))
    return max(Self.coldFactor, warmed * Self.fullFactor / warmingTime)
  }

  /// Whether it was last ejected for its error rate, and not for failures in a row.
  package var wasEjectedForErrors: Bool { ejection.reason == .errorRate }

  package func availability(at now: Milliseconds) -> Availability {
    switch administrative {
    case .down: return .down
    case .draining: return .draining
    case .up: break
    }
    if !isPassingChecks { return .failing }
    if ejection.isOut(at: now) { return .ejected(until: ejection.until) }
    if ejection.isUnproven { return .onProbation }
    return now < warmAt ? .warming : .up
  }

  // MARK: What happens to it

  /// A request went so.
  package mutating func note(
    _ outcome: Outcome, at now: Milliseconds, policy: HealthPolicy
  ) -> HealthChange {
    defer { conclude() }
    let isError =
      outcome == .failed || (outcome == .answeredWithError && policy.breaker != nil)
    if ejection.isOut(at: now) {
      guard !isError, ejection.reason == .failures else { return .none }
      return comeIn(at: now, policy: policy)
    }
    if outcome == .failed {
      if ejection.fail(policy: policy) { return eject(for: .failures, at: now, policy: policy) }
    } else if ejection.isUnproven {
      if isError { return eject(for: .errorRate, at: now, policy: policy) }
      return comeIn(at: now, policy: policy)
    } else {
      ejection.prove()
    }
    if let breaker = policy.breaker, errors.count(isError: isError, at: now, policy: breaker) {
      return eject(for: .errorRate, at: now, policy: policy)
    }
    return .none
  }

  /// The checks have found something. A server that rose is in again, ejected or not.
  package mutating func note(
    _ event: ActiveHealth.Event, at now: Milliseconds, policy: HealthPolicy
  ) -> HealthChange {
    defer { conclude() }
    switch event {
    case .none: return .none
    case .fell:
      isPassingChecks = false
      return .none
    case .rose:
      let wasOut = !isPassingChecks || ejection.isUnproven
      isPassingChecks = true
      return wasOut ? comeIn(at: now, policy: policy) : .none
    }
  }

  /// The operator says so. `up` also forgives: whoever says it has repaired the server.
  package mutating func set(
    _ wish: Administrative, at now: Milliseconds, policy: HealthPolicy
  ) {
    defer { conclude() }
    let wasIn = isUp(at: now)
    administrative = wish
    guard wish == .up else { return }
    if !wasIn || ejection.isUnproven { _ = comeIn(at: now, policy: policy) }
  }

  private mutating func eject(
    for reason: Ejection.Reason, at now: Milliseconds, policy: HealthPolicy
  ) -> HealthChange {
    ejection.eject(for: reason, at: now, policy: policy)
    errors = ErrorWindow()
    return .ejected(ejection.until - now)
  }

  private mutating func comeIn(at now: Milliseconds, policy: HealthPolicy) -> HealthChange {
    ejection.end(at: now)
    warmingTime = policy.slowStart
    warmAt = now + policy.slowStart
    return .readmitted
  }

  /// Brings what follows from the rest up to date.
  private mutating func conclude() {
    inFrom = administrative == .up && isPassingChecks ? ejection.until : .max
    wholeFrom = ejection.isUnproven ? .max : warmAt
  }
}
