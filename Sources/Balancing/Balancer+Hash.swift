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
  /// The load that a server may have, relative to its share: 5 / 4.
  static let loadBound = (5.0, 4.0)

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
    // All cannot be at the bound: together they would have 1.25 times the load there is.
    let bound = Bound(
      load: Self.loadBound.0 * Double(load), weights: Self.loadBound.1 * Double(weights))
    if isBelow(bound, best, at: search.now) { return best }
    return nearestBelow(bound, key: key, search)
  }

  /// As whole numbers, which a Double keeps exactly up to 2^53: rounding does not blur the bound.
  private func isBelow(_ bound: Bound, _ index: Int, at now: Milliseconds) -> Bool {
    Double(servers[index].inFlight) * bound.weights
      < bound.load * Double(servers[index].effectiveWeight(at: now))
  }

  @inline(never)
  private func nearestBelow(_ bound: Bound, key: UInt64, _ search: Search) -> Int? {
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

/// How many requests a unit of weight may have in flight: fewer than `load / weights`.
private struct Bound {
  let load: Double
  let weights: Double
}

/// The server nearest to a key, among those considered so far.
private struct Nearest {
  private var best = -1
  private var bits = UInt64.max
  private var weight: Int64 = 0
  /// What the exponential function makes of `bits`; below zero where nobody has asked yet.
  private var distance = -1.0

  var index: Int? { best < 0 ? nil : best }

  @inline(__always)
  mutating func consider(_ index: Int, of identity: UInt64, weight: Int64, key: UInt64) {
    let bits = HashKey.meet(key, identity)
    if weight == self.weight {
      // As is usual. The exponential function keeps the order, so it isn't needed, and without
      // a branch that chance decides this takes half of the time.
      let isNearer = bits < self.bits
      best = isNearer ? index : best
      self.bits = isNearer ? bits : self.bits
      distance = isNearer ? -1 : distance
    } else if isNearer(bits, weight) {
      (best, self.bits, self.weight, distance) = (index, bits, weight, -1)
    }
  }

  @inline(never)
  private mutating func isNearer(_ bits: UInt64, _ weight: Int64) -> Bool {
    if best < 0 { return true }
    if distance < 0 { distance = RandomSource.exponential(self.bits) }
    // a / b < c / d without a division. As -ln(1 - x) is never below x, most servers are ruled out
    // without a logarithm.
    let bound = distance * Double(weight)
    if RandomSource.fraction(bits) * Double(self.weight) > bound { return false }
    return RandomSource.exponential(bits) * Double(self.weight) < bound
  }
}
