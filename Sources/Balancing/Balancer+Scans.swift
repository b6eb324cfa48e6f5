// The algorithms that look at every server: round robin, fewest connections, shortest latency.

extension Balancer {
  /// Smooth weighted round robin, as nginx does it.
  ///
  /// In each turn every server gets its weight as credit, the richest is chosen and pays what all
  /// were given. The credits always sum up to zero, so over a full round each server is chosen
  /// exactly as often as its weight says, and a heavy server's turns are spread over the round.
  @inline(__always)
  mutating func nextInTurn(_ search: Search, sawFull: inout Bool) -> Int? {
    var total: Int64 = 0
    var best: Int?
    var most = Int64.min
    for index in servers.indices {
      switch servers[index].standing(in: search, at: index) {
      case .out: continue
      case .full: sawFull = true
      case .ready:
        let weight = servers[index].effectiveWeight(at: search.now)
        let credit = servers[index].credit + weight
        servers[index].credit = credit
        total += weight
        if credit > most { (most, best) = (credit, index) }
      }
    }
    if let best { servers[best].credit -= total }
    return best
  }

  /// The server with the fewest requests in flight for its weight. Among equals chance decides, by
  /// weight: the first of them would get all of the traffic of a quiet upstream.
  @inline(__always)
  mutating func leastBusy(_ search: Search, sawFull: inout Bool) -> Int? {
    var best: Int?
    var load: Int64 = 0
    var weight: Int64 = 1
    var tied: Int64 = 0
    for index in servers.indices {
      switch servers[index].standing(in: search, at: index) {
      case .out: continue
      case .full: sawFull = true
      case .ready:
        let itsWeight = servers[index].effectiveWeight(at: search.now)
        let itsLoad = Int64(servers[index].inFlight)
        // a / b < c / d without a division; both products are below 2^55.
        let (mine, its) = (load * itsWeight, itsLoad * weight)
        if best == nil || its < mine {
          (best, load, weight, tied) = (index, itsLoad, itsWeight, itsWeight)
        } else if its == mine {
          tied += itsWeight
          if random.below(UInt64(tied)) < UInt64(itsWeight) {
            (best, load, weight) = (index, itsLoad, itsWeight)
          }
        }
      }
    }
    return best
  }

  /// The server with the shortest expected wait: its latency of late for each request it has, and
  /// one more, divided by its weight. A server that nobody has asked yet is asked first, but only by
  /// one request at a time until it has answered.
  @inline(__always)
  mutating func quickest(_ search: Search, sawFull: inout Bool) -> Int? {
    var best: Int?
    var least = Double.infinity
    var leastWeight = 1.0
    for index in servers.indices {
      switch servers[index].standing(in: search, at: index) {
      case .out: continue
      case .full: sawFull = true
      case .ready:
        let latency = servers[index].latency.current(at: search.now)
        let inFlight = Double(servers[index].inFlight)
        let weight = Double(servers[index].effectiveWeight(at: search.now))
        // Unknown and busy counts as the slowest there is.
        let expected = latency == 0 && inFlight > 0 ? LatencyAverage.longest : latency
        let cost = expected * (inFlight + 1)
        // a / b < c / d without a division.
        if cost * leastWeight < least * weight {
          (least, leastWeight, best) = (cost, weight, index)
        }
      }
    }
    return best
  }
}
