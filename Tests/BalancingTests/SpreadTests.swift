// How the algorithms spread requests: by weight, by load, by latency.
import Testing

@testable import Balancing

/// All but those that follow load or latency alone: these spread an idle upstream by weight.
private let weighted: [Algorithm] = [.random, .roundRobin, .leastConnections, .hash]

@Test(arguments: Algorithm.allCases.filter { $0 != .leastLatency })
func `an idle upstream of equal servers is used evenly`(_ algorithm: Algorithm) {
  var balancer = Balancer(algorithm, servers: servers(10), seed: 1)
  let spread = balancer.spread(of: 20_000)
  #expect(spread.allSatisfy { (1800...2200).contains($0) }, "\(spread)")
}

@Test(arguments: weighted, [[1, 2, 3, 4], [5, 1, 1, 1], [1000, 3000, 65_535, 1]] as [[UInt16]])
func `requests are spread by weight`(_ algorithm: Algorithm, _ weights: [UInt16]) {
  var balancer = Balancer(algorithm, servers: servers(weights), seed: 2)
  let count = 20_000
  let total = weights.reduce(0) { $0 + Double($1) }
  for (weight, picked) in zip(weights, balancer.spread(of: count)) {
    let share = Double(weight) / total
    let deviation = (Double(count) * share * (1 - share)).squareRoot()
    #expect(abs(Double(picked) - Double(count) * share) < 4.5 * deviation + 1)
  }
}

@Test func `round robin keeps the weights exactly in each round and mixes them`() {
  for seed in 0..<20 as Range<UInt64> {
    var random = RandomSource(seed: seed)
    let weights = (0..<5).map { _ in UInt16(1 + random.below(9)) }
    var balancer = Balancer(.roundRobin, servers: servers(weights), seed: seed)
    let total = Int(weights.reduce(0, +))
    for _ in 0..<3 { #expect(balancer.spread(of: total) == weights.map(Int.init)) }
  }
  var balancer = Balancer(.roundRobin, servers: servers([5, 1, 1]), seed: 0)
  let sequence = (0..<7).compactMap { _ in balancer.pick(at: 0).index }
  let round = [0, 0, 1, 0, 2, 0, 0]
  #expect((0..<3).contains { Array(round[$0...] + round[..<$0]) == sequence })
}

@Test func `round robin begins at another server for another seed`() {
  let first = (0..<40 as Range<UInt64>).map { seed in
    var balancer = Balancer(.roundRobin, servers: servers(4), seed: seed)
    return balancer.pick(at: 0).index
  }
  #expect(Set(first).count == 4)
}

@Test(arguments: [Algorithm.leastConnections, .p2c])
func `load in flight follows the weights`(_ algorithm: Algorithm) {
  var balancer = Balancer(algorithm, servers: servers([1, 2, 4]), seed: 3)
  for _ in 0..<700 { if let index = balancer.pick(at: 0).index { balancer.begin(index) } }
  let load = balancer.servers.map { Int($0.inFlight) }
  for (had, share) in zip(load, [100, 200, 400]) { #expect(abs(had - share) <= 12, "\(load)") }
}

@Test func `fewest connections takes the least busy server`() {
  var balancer = Balancer(.leastConnections, servers: servers(3), seed: 4)
  for index in [0, 0, 1, 2, 2] { balancer.begin(index) }
  #expect(balancer.pick(at: 0) == .server(1))
  balancer.end(2)
  balancer.end(2)
  #expect(balancer.pick(at: 0) == .server(2))
}

@Test func `two choices never take the busiest of all`() {
  var balancer = Balancer(.p2c, servers: servers(5), seed: 5)
  balancer.begin(3)
  #expect(balancer.spread(of: 1000)[3] == 0)
}

@Test func `shortest latency takes the quick server until it is busy`() {
  var balancer = Balancer(.leastLatency, servers: servers(2), seed: 6)
  _ = balancer.note(.answered, latency: 10_000, of: 0, at: 0)
  _ = balancer.note(.answered, latency: 29_000, of: 1, at: 0)
  var order: [Int] = []
  for _ in 0..<4 {
    guard let index = balancer.pick(at: 0).index else { break }
    balancer.begin(index)
    order.append(index)
  }
  // Costs: 10, 20 (29), 30 (29), 30 (58).
  #expect(order == [0, 0, 1, 0])
}

@Test func `shortest latency asks each unknown server once`() {
  var balancer = Balancer(.leastLatency, servers: servers(3), seed: 7)
  var order: [Int] = []
  for _ in 0..<3 {
    guard let index = balancer.pick(at: 0).index else { break }
    balancer.begin(index)
    order.append(index)
  }
  #expect(order == [0, 1, 2])
  balancer.end(1)
  _ = balancer.note(.answered, latency: 5_000, of: 1, at: 0)
  #expect(balancer.pick(at: 0) == .server(1))
}

@Test(arguments: Algorithm.allCases)
func `a weight of zero gets nothing`(_ algorithm: Algorithm) {
  var balancer = Balancer(algorithm, servers: servers([1, 0, 1]), seed: 8)
  #expect(balancer.spread(of: 500)[1] == 0)
  var none = Balancer(algorithm, servers: servers([0]), seed: 8)
  #expect(none.pick(at: 0) == .unavailable)
}

@Test func `the names are those of the configuration`() {
  let names = Algorithm.allCases.map(\.rawValue)
  #expect(
    names == [
      "round_robin", "random", "p2c", "least_connections", "least_latency", "hash", "sticky",
    ])
}
