// Health as a state machine: every limit on both sides, time given in.
import Testing

@testable import Balancing

private func failures(_ count: Int, policy: HealthPolicy = HealthPolicy()) -> HealthChange {
  var health = HealthState()
  var last = HealthChange.none
  for _ in 0..<count { last = health.note(.failed, at: 0, policy: policy) }
  return last
}

/// Ejects once more at the moment the last ejection ends; how long it lasts.
private func ejectAgain(_ health: inout HealthState, _ policy: HealthPolicy) -> Milliseconds? {
  let now = health.ejection.until
  guard case .ejected(let time) = health.note(.failed, at: now, policy: policy) else { return nil }
  return time
}

@Test func `two failures in a row are borne and the third ejects for 10 s`() {
  #expect(failures(2) == .none)
  #expect(failures(3) == .ejected(10_000))
  var health = HealthState()
  let policy = HealthPolicy()
  for outcome in [Outcome.failed, .failed, .answered, .failed, .failed, .answeredWithError] {
    #expect(health.note(outcome, at: 0, policy: policy) == .none)
  }
  #expect(health.availability(at: 0) == .up)
}

@Test func `an ejection ends at its time and not before`() {
  var health = HealthState()
  for _ in 0..<3 { _ = health.note(.failed, at: 100, policy: HealthPolicy()) }
  #expect(health.availability(at: 10_099) == .ejected(until: 10_100))
  #expect(!health.isUp(at: 10_099) && health.isUp(at: 10_100))
  #expect(health.availability(at: 10_100) == .onProbation)
  #expect(health.factor(at: 10_100) == HealthState.coldFactor)
  #expect(health.note(.answered, at: 10_100, policy: HealthPolicy()) == .readmitted)
  #expect(health.availability(at: 10_100) == .up)
  #expect(health.factor(at: 10_100) == HealthState.fullFactor)
}

@Test func `on probation one failure ejects, twice as long each time, up to 5 min`() {
  var health = HealthState()
  let policy = HealthPolicy()
  for _ in 0..<3 { _ = health.note(.failed, at: 0, policy: policy) }
  let times = (0..<7).map { _ in ejectAgain(&health, policy) }
  #expect(times == [20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000])
}

@Test func `a doubling is forgotten for each time in that is as long as the last time out`() {
  for (timeIn, next) in [(19_999, 40_000), (20_000, 20_000), (40_000, 10_000)] {
    var health = HealthState()
    let policy = HealthPolicy()
    for _ in 0..<3 { _ = health.note(.failed, at: 0, policy: policy) }
    #expect(ejectAgain(&health, policy) == 20_000)
    let back = health.ejection.until
    _ = health.note(.answered, at: back, policy: policy)
    var change = HealthChange.none
    for _ in 0..<3 { change = health.note(.failed, at: back + Int64(timeIn), policy: policy) }
    #expect(change == .ejected(Int64(next)))
  }
}

@Test func `requests that were under way when a server was ejected do not lengthen it`() {
  var health = HealthState()
  let policy = HealthPolicy()
  for _ in 0..<3 { _ = health.note(.failed, at: 0, policy: policy) }
  for _ in 0..<10 { #expect(health.note(.failed, at: 1, policy: policy) == .none) }
  #expect(health.availability(at: 1) == .ejected(until: 10_000))
  #expect(health.note(.answered, at: 2, policy: policy) == .readmitted)
  #expect(health.availability(at: 2) == .up)
}

@Test func `passive ejection can be switched off`() {
  var policy = HealthPolicy()
  policy.failuresInRow = 0
  #expect(failures(1000, policy: policy) == .none)
}

@Test func `slow start gives the weight back step by step`() {
  var policy = HealthPolicy()
  policy.slowStart = 10_000
  var health = HealthState()
  _ = health.note(ActiveHealth.Event.fell, at: 0, policy: policy)
  #expect(health.availability(at: 0) == .failing)
  #expect(health.note(ActiveHealth.Event.rose, at: 1_000, policy: policy) == .readmitted)
  let factors = [1_000, 2_000, 6_000, 10_999, 11_000].map { health.factor(at: $0) }
  #expect(factors == [16, 25, 128, 255, 256])
  #expect(health.availability(at: 10_999) == .warming && health.availability(at: 11_000) == .up)
}

@Test(arguments: Algorithm.allCases.filter { $0 != .leastLatency })
func `a server in slow start gets its part`(_ algorithm: Algorithm) {
  var policy = HealthPolicy()
  policy.slowStart = 10_000
  var balancer = Balancer(algorithm, servers: servers(4), policy: policy, seed: 1)
  balancer.set(.down, for: 0, at: 0)
  balancer.set(.up, for: 0, at: 0)
  // A quarter of its weight: 1 of 13 quarters.
  let spread = balancer.spread(of: 13_000, at: 2_500)
  #expect((800...1300).contains(spread[0]), "\(spread)")
}

@Test func `up by hand forgives an ejection, and draining is no reason to`() {
  var health = HealthState()
  let policy = HealthPolicy()
  for _ in 0..<3 { _ = health.note(.failed, at: 0, policy: policy) }
  health.set(.draining, at: 1, policy: policy)
  #expect(health.availability(at: 1) == .draining && !health.isUp(at: 20_000))
  health.set(.up, at: 2, policy: policy)
  #expect(health.availability(at: 2) == .up)
}

@Test func `a server that rises is in at once, however long it was ejected for`() {
  var health = HealthState()
  let policy = HealthPolicy()
  for _ in 0..<3 { _ = health.note(.failed, at: 0, policy: policy) }
  for _ in 0..<5 { _ = ejectAgain(&health, policy) }
  let now = health.ejection.until - 1
  #expect(!health.isUp(at: now))
  #expect(health.note(ActiveHealth.Event.rose, at: now, policy: policy) == .readmitted)
  #expect(health.availability(at: now) == .up)
}

// MARK: The circuit breaker

private func breaker(errors: Int, of requests: Int, every step: Milliseconds = 0) -> HealthChange {
  var policy = HealthPolicy()
  policy.breaker = BreakerPolicy()
  var health = HealthState()
  var change = HealthChange.none
  for number in 0..<requests {
    let outcome = number < requests - errors ? Outcome.answered : .answeredWithError
    change = health.note(outcome, at: Milliseconds(number) * step, policy: policy)
    if change != .none { break }
  }
  return change
}

@Test func `the breaker opens at half of 20 requests, and not below either`() {
  #expect(breaker(errors: 10, of: 20) == .ejected(10_000))
  #expect(breaker(errors: 9, of: 20) == .none)
  #expect(breaker(errors: 19, of: 19) == .none)
}

@Test func `the breaker forgets what is older than its window`() {
  #expect(breaker(errors: 20, of: 20, every: 500) == .ejected(10_000))
  #expect(breaker(errors: 40, of: 40, every: 1_000) == .none)
}

@Test func `without a breaker an error answer is an answer`() {
  var health = HealthState()
  for _ in 0..<1000 {
    #expect(health.note(.answeredWithError, at: 0, policy: HealthPolicy()) == .none)
  }
}

@Test func `an open breaker is not closed by the answers among the errors`() {
  var policy = HealthPolicy()
  policy.breaker = BreakerPolicy()
  var health = HealthState()
  for _ in 0..<20 { _ = health.note(.answeredWithError, at: 0, policy: policy) }
  #expect(health.note(.answered, at: 1, policy: policy) == .none)
  #expect(health.availability(at: 1) == .ejected(until: 10_000))
  #expect(health.note(.answeredWithError, at: 10_000, policy: policy) == .ejected(20_000))
  #expect(health.note(.answered, at: 30_000, policy: policy) == .readmitted)
}

// MARK: Active checks

private func checks(_ results: [Bool]) -> [ActiveHealth.Event] {
  var health = ActiveHealth()
  return results.map { health.note(passed: $0, policy: CheckPolicy()) }
}

@Test func `three failed checks in a row are a fall and two passed ones a rise`() {
  #expect(checks([false, false, true, false, false]) == [.none, .none, .none, .none, .none])
  #expect(checks([false, false, false, false]) == [.none, .none, .fell, .none])
  #expect(
    checks([false, false, false, true, false, true, true, true])
      == [.none, .none, .fell, .none, .none, .none, .rose, .none])
}

@Test func `a server that never fell rises again too, once for each time it failed`() {
  #expect(checks([true, true, true]) == [.none, .none, .none])
  #expect(checks([true, false, true, true, true]) == [.none, .none, .none, .rose, .none])
}

@Test func `the pause between checks keeps within a tenth of the interval and uses all of it`() {
  var random = RandomSource(seed: 1)
  let pauses = (0..<2000).map { _ in ActiveHealth.pause(CheckPolicy(), random: &random) }
  #expect(pauses.allSatisfy { (4500...5500).contains($0) })
  #expect((pauses.min() ?? 0) < 4520 && (pauses.max() ?? 0) > 5480)
  let first = (0..<2000).map { _ in ActiveHealth.firstPause(CheckPolicy(), random: &random) }
  #expect(first.allSatisfy { (0..<5000).contains($0) })
  #expect((first.min() ?? 0) < 20 && (first.max() ?? 0) > 4980)
}
