// The process' one health checker: which servers it watches, what it has found of each, and when each
// is looked at next. Its findings go to all workers by way of whoever made it.
import Balancing
import Bytes
import Configuration
import IO
import Proxy
import Telemetry

/// What is known of a server that is checked.
package struct CheckState: Sendable, Equatable {
  /// Whether the last checks let it serve.
  package var isPassing = true
  /// Checks that have ended.
  package var checks = 0
  /// Why the last one failed; nil when it passed or none has ended.
  package var failure: CheckFailure?

  package init() {}
}

/// Checks servers for as long as it is told to. Loop-confined.
package final class HealthChecker {
  /// Checks that run at a time; the others are late, then. Of frozen servers, which cost a timeout of
  /// 2 s each, 320 make full use of it with an interval of 5 s.
  package static let checksAtOnce = 128

  private struct Subject {
    let target: CheckTarget
    var health = ActiveHealth()
    var state = CheckState()
  }

  private let reactor: Reactor
  private let timetable: Timetable
  private let report: (CheckTarget, ActiveHealth.Event) -> Void
  private let buffers = BufferPool(keeping: 8)
  private var random: RandomSource
  /// By upstream and identity.
  private var numbers: [String: [UInt64: Int]] = [:]
  private var subjects: [Int: Subject] = [:]
  private var nextNumber = 0

  /// - Parameters:
  ///   - loop: the loop whose tasks the checks are.
  ///   - report: is told when a server rose or fell.
  package init(
    on reactor: Reactor, loop: EventLoop, atOnce: Int = checksAtOnce, seed: UInt64? = nil,
    report: @escaping (CheckTarget, ActiveHealth.Event) -> Void
  ) throws(SystemError) {
    self.reactor = reactor
    self.report = report
    random = RandomSource(seed: seed ?? .random(in: 0...UInt64.max))
    timetable = try Timetable(on: reactor, loop: loop, atOnce: atOnce)
    timetable.serve(self)
  }

  /// Says which servers are to be checked from now on, of all upstreams.
  ///
  /// What is known of a server that stays is kept, also when it is to be checked otherwise. A new one
  /// has its first check somewhere within its interval. One that is gone is not reported any more,
  /// even when a check of it is under way.
  package func update(
    _ targets: [CheckTarget], isolation: isolated (any Actor)? = #isolation
  ) {
    let byUpstream = Dictionary(grouping: targets, by: \.upstream)
    for upstream in Array(numbers.keys) where byUpstream[upstream] == nil {
      update([], of: upstream)
    }
    for (upstream, targets) in byUpstream { update(targets, of: upstream) }
    timetable.keep { subjects[$0] != nil }
  }

  /// The same for one upstream.
  package func update(
    _ targets: [CheckTarget], of upstream: String, isolation: isolated (any Actor)? = #isolation
  ) {
    var old = numbers[upstream] ?? [:]
    var new: [UInt64: Int] = [:]
    for target in targets {
      let identity = target.member.identity
      // A server that is named twice is checked once.
      guard new[identity] == nil else { continue }
      let known = old.removeValue(forKey: identity)
      if let known, subjects[known]?.target == target {
        new[identity] = known
        continue
      }
      var subject = Subject(target: target)
      if let known, let former = subjects.removeValue(forKey: known) {
        (subject.health, subject.state) = (former.health, former.state)
      }
      nextNumber += 1
      new[identity] = nextNumber
      subjects[nextNumber] = subject
      let pause = ActiveHealth.firstPause(target.options.policy, random: &random)
      timetable.add(nextNumber, in: pause)
    }
    for gone in old.values { subjects[gone] = nil }
    numbers[upstream] = new.isEmpty ? nil : new
    // What stands in the timetable without a server is dropped when its time comes, at the latest.
    if timetable.count > 2 * subjects.count + 64 { timetable.keep { subjects[$0] != nil } }
  }

  /// What is known of a server; nil when it is not checked.
  package func state(of identity: UInt64, in upstream: String) -> CheckState? {
    numbers[upstream]?[identity].flatMap { subjects[$0]?.state }
  }

  /// The servers that are out, for a worker that knows nothing yet. Their fall is reported once only.
  package var failing: [CheckTarget] {
    subjects.values.filter { !$0.state.isPassing }.map(\.target)
  }

  /// How many checks are under way.
  package var running: Int { timetable.running }

  // MARK: Findings

  private func note(_ failure: CheckFailure?, of number: Int) {
    guard var subject = subjects[number] else { return }
    let event = subject.health.note(
      passed: failure == nil, policy: subject.target.options.policy)
    let wasPassing = subject.state.isPassing
    subject.state.isPassing = subject.health.isPassing
    subject.state.checks += 1
    subject.state.failure = failure
    subjects[number] = subject
    log(subject, failure, wasPassing)
    if event != .none { report(subject.target, event) }
  }

  private func log(_ subject: Subject, _ failure: CheckFailure?, _ wasPassing: Bool) {
    let policy = subject.target.options.policy
    switch (wasPassing, subject.state.isPassing) {
    case (true, false):
      let reason = failure.map(\.description) ?? "unknown"
      let count = policy.fall == 1 ? "a check" : "\(policy.fall) checks in a row"
      Log.warning("\(subject.target.words) is down: \(count) failed, the last: \(reason)")
    case (false, true):
      let count = policy.rise == 1 ? "a check" : "\(policy.rise) checks in a row"
      Log.info("\(subject.target.words) is up: \(count) passed")
    default:
      if let failure { Log.debug("\(subject.target.words) failed a check: \(failure)") }
    }
  }
}

extension HealthChecker: TimetableOwner {
  package func perform(_ number: Int) async -> Int64? {
    guard let target = subjects[number]?.target else { return nil }
    let policy = target.options.policy
    var failure: CheckFailure?
    do throws(CheckFailure) {
      try await HealthCheck.run(
        target, on: reactor, buffers, until: reactor.now.advanced(by: policy.timeout))
    } catch {
      failure = error
    }
    // It may have been taken off, or be checked otherwise by now.
    guard subjects[number] != nil else { return nil }
    note(failure, of: number)
    return ActiveHealth.pause(policy, random: &random)
  }
}

extension CheckTarget {
  /// For the log: `upstream "app": server app.internal:8080 (10.0.0.1:8080)`.
  var words: String {
    let address = member.address.description
    let suffix = member.name == address ? "" : " (\(address))"
    return "upstream \"\(upstream)\": server \(member.name)\(suffix)"
  }
}
