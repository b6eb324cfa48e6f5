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
    var weights = 0.0
    var load = 1.0  // with the request that is to be placed
    for index in servers.indices {
      switch search.standing(servers[index], index) {
      case .out: continue
      case .full: sawFull = true
      case .ready:
        weights += Double(servers[index].effectiveWeight(at: search.now))
        load += Double(servers[index].inFlight)
      }
    }
    // Requests in flight for a unit of weight. All cannot be at it: together they would have 1.25
    // times the load there is.
    let bound = Self.loadBound * load / weights
    var best: Int?
    var least = Double.infinity
    for index in servers.indices where search.standing(servers[index], index) == .ready {
      let weight = Double(servers[index].effectiveWeight(at: search.now))
      guard Double(servers[index].inFlight) < bound * weight else { continue }
      let distance = HashKey.distance(from: key, to: servers[index].identity, weight: weight)
      if distance < least { (least, best) = (distance, index) }
    }
    return best
  }
}
