// One server as one worker sees it: what is configured, how busy it is, how it feels.

/// Worker-confined. A plain value of fixed size; an upstream's servers lie side by side.
package struct ServerState: Sendable, BitwiseCopyable {
  /// Who it is, across reloads, workers and restarts: `HashKey.of` its address or configured name.
  /// `hash` and sticky cookies depend on it, the order of the servers means nothing to them.
  package let identity: UInt64
  /// Its share beside the others. 0: nothing new goes there.
  package let weight: UInt16
  /// Used only when no other server is in.
  package let isBackup: Bool
  /// With as many requests in flight it is full; `Int32.max` for no limit.
  package let maxConnections: Int32

  /// Requests, tunnels and WebSockets that are under way.
  package internal(set) var inFlight: Int32 = 0
  /// Those of other workers, as far as that is known: for `maxConnections` only.
  var elsewhere: Int32 = 0
  package internal(set) var health = HealthState()
  package internal(set) var latency = LatencyAverage()
  /// What round robin owes it.
  var credit: Int64 = 0

  package init(
    identity: UInt64, weight: UInt16 = 1, isBackup: Bool = false, maxConnections: Int32 = .max
  ) {
    self.identity = identity
    self.weight = weight
    self.isBackup = isBackup
    self.maxConnections = maxConnections
  }

  @inline(__always)
  package var isFull: Bool { inFlight &+ elsewhere >= maxConnections }

  /// Whether nothing speaks against it: what a search would find out in more steps.
  @inline(__always)
  func isPlainlyReady(at now: Milliseconds) -> Bool {
    health.isUp(at: now) && !isFull && weight > 0
  }

  /// The weight with slow start and probation, in parts of `HealthState.fullFactor`.
  @inline(__always)
  func effectiveWeight(at now: Milliseconds) -> Int64 {
    Int64(weight) * health.factor(at: now)
  }

  /// Whether the server, which is at `index`, is one of those that are looked for.
  @inline(__always)
  func standing(in search: Search, at index: Int) -> Standing {
    let fits =
      search.isFirst
      ? !isBackup && health.isUp(at: search.now) : fitsLater(search, at: index)
    if !fits || weight == 0 { return .out }
    return isFull ? .full : .ready
  }

  @inline(__always)
  private func fitsLater(_ search: Search, at index: Int) -> Bool {
    switch search.round {
    case .primaries: !isBackup && health.isUp(at: search.now) && !search.tried.contains(index)
    case .backups: isBackup && health.isUp(at: search.now) && !search.tried.contains(index)
    case .triedAgain: health.isUp(at: search.now)
    case .panic: health.isOnlyEjected(at: search.now) && !search.tried.contains(index)
    case .panicAgain: health.isOnlyEjected(at: search.now)
    }
  }
}

/// Whom to look for, in this order; the first round that finds somebody ends the search.
enum Round: CaseIterable, Sendable, BitwiseCopyable {
  /// Servers that are in and have not been tried.
  case primaries
  /// The same of the backup servers.
  case backups
  /// All that are in, tried or not: one server alone may be asked again.
  case triedAgain
  /// The panic rule: servers that are out only because requests failed, since all others are out
  /// for better reasons. If the fault was not theirs, this is what ends it.
  case panic
  case panicAgain
}

enum Standing: Sendable { case ready, full, out }
