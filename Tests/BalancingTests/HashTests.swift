// Consistent hashing: who moves when servers come, go and grow, and what a hot key may do.
import Testing

@testable import Balancing

private let keys = (0..<20_000 as Range<UInt64>).map(RandomSource.mix)

/// The identity of the server that each key is at.
private func places(_ servers: [ServerState], at now: Milliseconds = 0) -> [UInt64] {
  var balancer = Balancer(.hash, servers: servers, seed: 1)
  return keys.map { key in
    balancer.pick(at: now, key: key).index.map { servers[$0].identity } ?? 0
  }
}

@Test func `a server that goes takes its own keys along and no others`() {
  let all = servers([3, 1, 4, 1, 5, 9, 2, 6])
  let before = places(all)
  for gone in all.indices {
    var fewer = all
    fewer.remove(at: gone)
    for (was, now) in zip(before, places(fewer)) where was != all[gone].identity {
      #expect(was == now)
    }
  }
}

@Test func `a key is where it was, whatever the order, the worker and the seed`() {
  let all = servers([3, 1, 4, 1, 5])
  #expect(places(all) == places(all.reversed()))
}

@Test func `a server whose weight grows only gains keys`() {
  let before = places(servers([2, 2, 2, 2]))
  let grown = servers([2, 3, 2, 2])
  var gained = 0
  for (was, now) in zip(before, places(grown)) where was != now {
    #expect(now == grown[1].identity)
    gained += 1
  }
  // From 2/8 to 3/9 of the keys.
  #expect((1500...1850).contains(gained), "\(gained)")
}

@Test func `a server that is out loses its keys until it is back`() {
  let all = servers(5)
  var balancer = Balancer(.hash, servers: all, seed: 1)
  let before = balancer.spread(of: 1000)
  balancer.set(.down, for: 2, at: 0)
  #expect(balancer.spread(of: 1000)[2] == 0)
  balancer.set(.up, for: 2, at: 0)
  #expect(balancer.spread(of: 1000) == before)
}

@Test func `a hot key loads no server above 1.25 times its share`() {
  for seed in 0..<10 as Range<UInt64> {
    var random = RandomSource(seed: seed)
    let weights = (0..<8).map { _ in UInt16(1 + random.below(9)) }
    var balancer = Balancer(.hash, servers: servers(weights), seed: seed)
    let total = weights.reduce(0) { $0 + Double($1) }
    for number in 1...1000 {
      guard let index = balancer.pick(at: 0, key: 42).index else { break }
      balancer.begin(index)
      let share = Double(number) * Double(weights[index]) / total
      #expect(Double(balancer.servers[index].inFlight) < 1.25 * share + 1)
    }
    #expect(balancer.servers.reduce(0) { $0 + Int($1.inFlight) } == 1000)
  }
}

@Test func `the bound is at 1.25 times the share and not below`() {
  var balancer = Balancer(.hash, servers: servers(4), seed: 1)
  guard let home = balancer.pick(at: 0, key: 42).index else {
    Issue.record("no server")
    return
  }
  let others = (0..<4).filter { $0 != home }
  // 10 with the others, 5 at home and the next one: fewer than 1.25 * 16 / 4 = 5 are allowed.
  for index in others { for _ in 0..<3 { balancer.begin(index) } }
  balancer.begin(others[0])
  for _ in 0..<4 { balancer.begin(home) }
  #expect(balancer.pick(at: 0, key: 42) == .server(home))
  balancer.begin(home)
  #expect(balancer.pick(at: 0, key: 42) != .server(home))
  balancer.begin(others[0])
  #expect(balancer.pick(at: 0, key: 42) == .server(home))
}

@Test func `a hot key goes to the same second server each time`() {
  var balancer = Balancer(.hash, servers: servers(6), seed: 1)
  guard let home = balancer.pick(at: 0, key: 7).index else { return }
  for _ in 0..<9 { balancer.begin(home) }
  let second = (0..<50).compactMap { _ in balancer.pick(at: 0, key: 7).index }
  #expect(second.count == 50 && Set(second).count == 1 && second[0] != home)
  balancer.set(.down, for: home, at: 0)
  #expect(balancer.pick(at: 0, key: 7).index == second[0])
}

@Test func `without a key the hash spreads as p2c does`() {
  var balancer = Balancer(.hash, servers: servers(3), seed: 1)
  #expect(Set((0..<100).map { _ in balancer.pick(at: 0).index }) == [0, 1, 2])
}

// MARK: The comparison in docs/balancing.md

private func permille(_ part: Double) -> String {
  let tenths = Int(part * 1000 + 0.5)
  return "\(tenths / 10).\(tenths % 10) %"
}

private func row<P: Placement>(_ name: String, _: P.Type) -> String {
  let all = servers(10).map(\.identity)
  let sample = keys.prefix(10_000)
  let before = sample.map(P(all).place)
  var moved = 0
  for gone in all {
    let fewer = P(all.filter { $0 != gone })
    moved += zip(sample, before).count { fewer.place($0) != $1 }
  }
  let share = Double(moved) / 10 / Double(sample.count)
  let most = all.map { one in before.count { $0 == one } }.max() ?? 0
  let least = all.map { one in before.count { $0 == one } }.min() ?? 0
  let per = Double(sample.count)
  return "| \(name) | \(permille(share)) | \(permille(Double(least) / per)) to "
    + "\(permille(Double(most) / per)) |\n"
}

@Test func `the documented comparison of hashes is what they do`() throws {
  let table =
    "| method | keys that move when one of 10 servers goes | a server's share of the keys |\n"
    + "| --- | --- | --- |\n"
    + row("rendezvous", Rendezvous.self) + row("ring, 160 points a server", Ring.self)
    + row("Maglev, table of 5,003", Maglev.self) + row("jump", Jump.self)
  #expect(try document("docs/balancing.md").contains(table), "\n\(table)")
}

@Test func `the compared rendezvous is the balancer's`() {
  let all = servers(10)
  let plain = Rendezvous(all.map(\.identity))
  #expect(places(all) == keys.map(plain.place))
}
