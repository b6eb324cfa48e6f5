// The algorithms of chance: random, and the power of two choices.

extension Balancer {
  /// How often a drawn server that may not be used is put back before all are looked at: with half
  /// of the servers out, one search in 256 gets there.
  static let draws = 8

  /// A server by weight and chance.
  @inline(__always)
  mutating func draw(_ search: Search, besides other: Int?, sawFull: inout Bool) -> Int? {
    if search.round == .primaries, !byWeight.isEmpty {
      for _ in 0..<Self.draws {
        let index = byWeight.draw(&random)
        guard index != other, servers[index].standing(in: search, at: index) == .ready else {
          continue
        }
        let factor = servers[index].health.factor(at: search.now)
        // A server in slow start is put back as often as its factor lacks of the whole.
        if factor == HealthState.fullFactor { return index }
        if random.below(UInt64(HealthState.fullFactor)) < UInt64(factor) { return index }
      }
    }
    return drawFromAll(search, besides: other, sawFull: &sawFull)
  }

  /// The same by looking at every server: the weights are summed up, and each server replaces the
  /// one chosen so far with the chance of its weight in the sum.
  @inline(never)
  private mutating func drawFromAll(
    _ search: Search, besides other: Int?, sawFull: inout Bool
  ) -> Int? {
    var total: UInt64 = 0
    var chosen: Int?
    for index in servers.indices where index != other {
      switch servers[index].standing(in: search, at: index) {
      case .out: continue
      case .full: sawFull = true
      case .ready:
        let weight = UInt64(servers[index].effectiveWeight(at: search.now))
        total += weight
        if random.below(total) < weight { chosen = index }
      }
    }
    return chosen
  }

  /// The power of two choices (Mitzenmacher 1996): of two servers drawn by weight, the one with the
  /// fewer requests in flight for its weight. Nearly as even as asking all, and without the herd:
  /// workers that don't know of each other's requests don't all run to the same idle server.
  @inline(__always)
  mutating func lessBusyOfTwo(_ search: Search, sawFull: inout Bool) -> Int? {
    guard let first = draw(search, besides: nil, sawFull: &sawFull) else { return nil }
    if servers.count == 1 { return first }
    var ignored = false
    guard let second = draw(search, besides: first, sawFull: &ignored) else { return first }
    let firstWeight = servers[first].effectiveWeight(at: search.now)
    let secondWeight = servers[second].effectiveWeight(at: search.now)
    // a / b <= c / d without a division. Equals: the first, which weight and chance have named.
    return Int64(servers[first].inFlight) * secondWeight
      <= Int64(servers[second].inFlight) * firstWeight ? first : second
  }
}
