// Chooses a server for a request. Everything it knows is a value: no socket, no clock, no loop.

// A request goes through `pick`, `begin`, `note` and `end`. The caller says what time it is; it holds
// what is queued and retried. Nothing here allocates after `init`. The order in which servers are
// considered is the same for all algorithms (`Round`); an algorithm only chooses within a round.

/// What comes of choosing a server.
package enum Pick: Sendable, Equatable {
  /// The server's index.
  case server(Int)
  /// There are servers, but each has `maxConnections` under way: wait for an `end`.
  case full
  /// There is no server to be used: 503.
  case unavailable
}

/// One worker's view of an upstream: its servers and how to choose among them. Worker-confined.
package struct Balancer: Sendable {
  package let algorithm: Algorithm
  package let policy: HealthPolicy
  package internal(set) var servers: [ServerState]
  var random: RandomSource
  let byWeight: AliasTable

  /// - Parameter seed: another one for each worker, or they choose in step.
  package init(
    _ algorithm: Algorithm, servers: [ServerState], policy: HealthPolicy = HealthPolicy(),
    seed: UInt64
  ) {
    self.algorithm = algorithm
    self.policy = policy
    self.servers = servers
    random = RandomSource(seed: seed)
    byWeight = AliasTable(servers)
    guard algorithm == .roundRobin, servers.count > 1 else { return }
    // Workers begin at different places of the round.
    for _ in 0..<random.below(UInt64(servers.count)) {
      _ = pick(at: 0)
    }
  }

  /// Chooses a server.
  ///
  /// - Parameters:
  ///   - tried: where this request has been already: others are preferred.
  ///   - key: what `hash` hashes, by `HashKey`; without one, `hash` chooses as `p2c` does.
  ///   - pinned: the server of the client's session. It is taken if it is in (even when draining)
  ///     and not full; where another is chosen, the client needs a new cookie.
  /// - Complexity: constant for `random` and `p2c` while most servers are in; else O(servers).
  package mutating func pick(
    at now: Milliseconds, avoiding tried: TriedServers = TriedServers(), key: UInt64? = nil,
    pinned: Int? = nil
  ) -> Pick {
    if let pinned, servers.indices.contains(pinned), !tried.contains(pinned),
      servers[pinned].health.keepsSessions(at: now), !servers[pinned].isFull
    {
      return .server(pinned)
    }
    // The one server of an upstream: there is nothing to choose.
    if servers.count == 1, servers[0].isPlainlyReady(at: now) { return .server(0) }
    for round in Round.allCases {
      var sawFull = false
      let search = Search(round: round, tried: tried, now: now)
      if let index = choose(search, key: key, sawFull: &sawFull) { return .server(index) }
      // A server that is busy is worth waiting for; a backup is for servers that are out.
      if sawFull { return .full }
    }
    return .unavailable
  }

  /// `pick` and `begin` for an upstream of one server. False when there are more, or something speaks
  /// against it: then `pick` tells.
  package mutating func beginOnly(at now: Milliseconds) -> Bool {
    guard servers.count == 1, servers[0].isPlainlyReady(at: now) else { return false }
    servers[0].inFlight += 1
    return true
  }

  @inline(__always)
  private mutating func choose(_ search: Search, key: UInt64?, sawFull: inout Bool) -> Int? {
    switch algorithm {
    case .roundRobin: return nextInTurn(search, sawFull: &sawFull)
    case .random: return draw(search, besides: nil, sawFull: &sawFull)
    case .leastConnections: return leastBusy(search, sawFull: &sawFull)
    case .leastLatency: return quickest(search, sawFull: &sawFull)
    case .hash:
      if let key { return preferred(by: key, search, sawFull: &sawFull) }
      return lessBusyOfTwo(search, sawFull: &sawFull)
    case .p2c, .sticky: return lessBusyOfTwo(search, sawFull: &sawFull)
    }
  }

  // MARK: What happens to the servers

  /// A request, tunnel or WebSocket goes to the server. Each `begin` needs one `end`.
  package mutating func begin(_ index: Int) { servers[index].inFlight += 1 }

  /// It is over.
  package mutating func end(_ index: Int) {
    servers[index].inFlight = max(0, servers[index].inFlight - 1)
  }

  /// Other workers have so many requests with the server, which counts for `maxConnections`.
  package mutating func setElsewhere(_ count: Int, of index: Int) {
    // Together with `inFlight` it must not overflow.
    servers[index].elsewhere = Int32(clamping: max(0, min(count, 1 << 30)))
  }

  /// The server has answered, or failed to.
  ///
  /// - Parameter latency: microseconds from `begin` to the response's head; the time until it was
  ///   given up for a failure (refusals are quick: give nil there, or they look attractive).
  package mutating func note(
    _ outcome: Outcome, latency: Int64?, of index: Int, at now: Milliseconds
  ) -> HealthChange {
    if case .answered = outcome, latency == nil, policy.breaker == nil,
      servers[index].health.isBlameless
    {
      return .none
    }
    if let latency { servers[index].latency.observe(microseconds: latency, at: now) }
    return servers[index].health.note(outcome, at: now, policy: policy)
  }

  /// The health checks have found something.
  package mutating func note(
    _ event: ActiveHealth.Event, of index: Int, at now: Milliseconds
  ) -> HealthChange {
    servers[index].health.note(event, at: now, policy: policy)
  }

  /// The operator says `up`, `drain` or `down`.
  package mutating func set(_ wish: Administrative, for index: Int, at now: Milliseconds) {
    servers[index].health.set(wish, at: now, policy: policy)
  }

  // MARK: Reload

  /// Where a server is; nil when there is none of that identity.
  package func index(of identity: UInt64) -> Int? {
    servers.firstIndex { $0.identity == identity }
  }

  /// Takes over what is known of the servers that are in both: load, health, latency and turn.
  /// Requests that began with `other` then `end` here, at `index(of:)` their server.
  ///
  /// - Parameter hasChecks: whether this upstream has health checks. If not, a server that failed its
  ///   last ones is in again: nobody would ever say that it has risen.
  package mutating func adopt(_ other: Balancer, hasChecks: Bool, at now: Milliseconds) {
    var known: [UInt64: Int] = [:]
    for index in other.servers.indices { known[other.servers[index].identity] = index }
    let isSameRound = algorithm == other.algorithm && known.count == servers.count
    for index in servers.indices {
      guard let old = known[servers[index].identity] else { continue }
      servers[index].inFlight = other.servers[old].inFlight
      servers[index].health = other.servers[old].health
      servers[index].latency = other.servers[old].latency
      // Only then: who rises is also forgiven what its requests said.
      if !hasChecks, !servers[index].health.isPassingChecks {
        _ = note(.rose, of: index, at: now)
      }
      if isSameRound { servers[index].credit = other.servers[old].credit }
    }
  }
}

/// What a round looks for.
struct Search: Sendable, BitwiseCopyable {
  let round: Round
  let tried: TriedServers
  let now: Milliseconds
  /// Whether it is the first round of a request's first try, as nearly always.
  let isFirst: Bool

  init(round: Round, tried: TriedServers, now: Milliseconds) {
    (self.round, self.tried, self.now) = (round, tried, now)
    isFirst = round == .primaries && tried.count == 0
  }
}
