// The same key to the same server: rendezvous hashing, with a bound on what one server must bear.

// Rendezvous (Thaler, Ravishankar 1996): key and server together are hashed to an exponentially
// distributed number, divided by the server's weight; the lowest wins. A server that goes takes only
// its own keys along, one that comes takes its share from each, and a weight changes nobody else's keys
// among themselves. No table has to be built, sent or kept: thousands of upstreams cost nothing.
//
// Bounded load (Mirrokni, Thorup, Zadimoghaddam 2016): a server with 1.25 times its share of the
// requests in flight is passed over, and the key goes to its next choice, always the same one. One hot
// key then spreads over as many servers as it needs.
//
// Measured against a ring, Maglev and jump hashing: docs/balancing.md.

extension Balancer {
  /// The load that a server may have, relative to its share.
  static let loadBound = 1.25

  /// The server that likes the key best among those below the bound.
  @inline(__always)
  mutating func preferred(by key: UInt64, _ search: Search, sawFull: inout Bool) -> Int? {
    var weights: Int64 = 0
    var load: Int64 = 1  // with the request that is to be placed
    var nearest = Nearest()
    for index in servers.indices {
      switch servers[index].standing(in: search, at: index) {
      case .out: continue
      case .full: sawFull = true
      case .ready:
        let weight = servers[index].effectiveWeight(at: search.now)
        weights += weight
        load += Int64(servers[index].inFlight)
        nearest.consider(index, of: servers[index].identity, weight: weight, key: key)
      }
    }
    guard let best = nearest.index else { return nil }
    // Requests in flight for a unit of weight. All cannot be at it: together they would have 1.25
    // times the load there is.
    let bound = Self.loadBound * Double(load) / Double(weights)
    if isBelow(bound, best, at: search.now) { return best }
    return nearestBelow(bound, key: key, search)
  }

  private func isBelow(_ bound: Double, _ index: Int, at now: Milliseconds) -> Bool {
    Double(servers[index].inFlight) < bound * Double(servers[index].effectiveWeight(at: now))
  }

  @inline(never)
  private func nearestBelow(_ bound: Double, key: UInt64, _ search: Search) -> Int? {
    var nearest = Nearest()
    for index in servers.indices
    where servers[index].standing(in: search, at: index) == .ready
      && isBelow(bound, index, at: search.now)
    {
      let weight = servers[index].effectiveWeight(at: search.now)
      nearest.consider(index, of: servers[index].identity, weight: weight, key: key)
    }
    return nearest.index
  }
}

/// The server nearest to a key, among those considered so far.
private struct Nearest {
  var index: Int?
  private var distance = Double.infinity

  @inline(__always)
  mutating func consider(_ index: Int, of identity: UInt64, weight: Int64, key: UInt64) {
    let bits = HashKey.meet(key, identity)
    let weight = Double(weight)
    // -ln(1 - x) is never below x, so most servers are ruled out without a logarithm.
    if RandomSource.fraction(bits) > distance * weight { return }
    let itsDistance = RandomSource.exponential(bits) / weight
    if itsDistance < distance { (self.index, distance) = (index, itsDistance) }
  }
}
