// Who is considered at all: tried, full, backup, draining, ejected and failing servers.
import Testing

@testable import Balancing

@Test(arguments: Algorithm.allCases)
func `no servers, or none that is up, is unavailable`(_ algorithm: Algorithm) {
  var empty = Balancer(algorithm, servers: [], seed: 1)
  #expect(empty.pick(at: 0, key: 1) == .unavailable)
  var down = Balancer(algorithm, servers: servers(3), seed: 1)
  down.set(.down, for: 0, at: 0)
  down.set(.draining, for: 1, at: 0)
  #expect(down.pick(at: 0, key: 1) == .server(2))
  _ = down.note(.fell, of: 2, at: 0)
  #expect(down.pick(at: 0, key: 1) == .unavailable)
  _ = down.note(.rose, of: 2, at: 0)
  #expect(down.pick(at: 0, key: 1) == .server(2))
}

@Test(arguments: Algorithm.allCases)
func `a retry goes to another server while there is one`(_ algorithm: Algorithm) {
  var balancer = Balancer(algorithm, servers: servers(3), seed: 2)
  for key in 0..<100 as Range<UInt64> {
    var tried = TriedServers()
    for _ in 0..<3 {
      guard let index = balancer.pick(at: 0, avoiding: tried, key: key).index else { break }
      #expect(!tried.contains(index))
      tried.insert(index)
    }
    #expect(tried.count == 3)
    #expect(balancer.pick(at: 0, avoiding: tried, key: key).index != nil)
  }
}

@Test func `nine tries are more than are remembered, and the first is forgotten`() {
  var tried = TriedServers()
  for index in 0..<TriedServers.limit { tried.insert(index) }
  #expect((0..<TriedServers.limit).allSatisfy(tried.contains))
  tried.insert(TriedServers.limit)
  #expect(tried.contains(TriedServers.limit) && !tried.contains(0) && tried.contains(1))
}

@Test(arguments: Algorithm.allCases)
func `max_connections is reached and not passed`(_ algorithm: Algorithm) {
  var balancer = Balancer(algorithm, servers: servers(3, max: 4), seed: 3)
  var key: UInt64 = 0
  while let index = balancer.pick(at: 0, key: key).index {
    #expect(balancer.servers[index].inFlight < 4)
    balancer.begin(index)
    key += 1
    if key > 12 { break }
  }
  #expect(key == 12)
  #expect(balancer.pick(at: 0, key: 0) == .full)
  balancer.end(1)
  #expect(balancer.pick(at: 0, key: 0) == .server(1))
}

@Test(arguments: Algorithm.allCases)
func `backups serve only when no other server is in or untried`(_ algorithm: Algorithm) {
  var balancer = Balancer(algorithm, servers: servers(4, backups: [2, 3], max: 9), seed: 4)
  #expect(balancer.spread(of: 300)[2...].allSatisfy { $0 == 0 })
  #expect([2, 3].contains(balancer.pick(at: 0, avoiding: tried(0, 1), key: 1).index))
  balancer.set(.down, for: 0, at: 0)
  #expect(balancer.pick(at: 0, key: 1) == .server(1))
  for _ in 0..<9 { balancer.begin(1) }
  #expect(balancer.pick(at: 0, key: 1) == .full, "a busy server is waited for")
  balancer.set(.down, for: 1, at: 0)
  let spread = balancer.spread(of: 300)
  #expect(spread[0] == 0 && spread[1] == 0 && spread[2] + spread[3] == 300)
}

@Test(arguments: Algorithm.allCases)
func `when all are only ejected, all are used`(_ algorithm: Algorithm) {
  var balancer = Balancer(algorithm, servers: servers(3), seed: 5)
  for index in 0..<2 { balancer.fail(index, times: 3, at: 0) }
  #expect(balancer.spread(of: 90, at: 1) == [0, 0, 90])
  balancer.fail(2, times: 3, at: 0)
  var used: Set<Int> = []
  for key in 0..<200 as Range<UInt64> {
    let index = balancer.pick(at: 1, key: RandomSource.mix(key)).index
    if let index {
      used.insert(index)
      balancer.begin(index)
    }
  }
  #expect(used == [0, 1, 2])
  #expect(balancer.pick(at: 1, avoiding: tried(0, 1), key: 1) == .server(2))
  #expect(balancer.pick(at: 1, avoiding: tried(0, 1, 2), key: 1).index != nil)
}

@Test func `the panic rule leaves out what fails its checks or is down`() {
  var balancer = Balancer(.p2c, servers: servers(3), seed: 6)
  for index in 0..<3 { balancer.fail(index, times: 3, at: 0) }
  _ = balancer.note(.fell, of: 0, at: 0)
  balancer.set(.down, for: 1, at: 0)
  #expect(balancer.spread(of: 50, at: 1) == [0, 0, 50])
  _ = balancer.note(.fell, of: 2, at: 0)
  #expect(balancer.pick(at: 1) == .unavailable)
}

@Test func `backups come before the panic rule`() {
  var balancer = Balancer(.p2c, servers: servers(2, backups: [1]), seed: 7)
  balancer.fail(0, times: 3, at: 0)
  #expect(balancer.spread(of: 50, at: 1) == [0, 50])
  balancer.fail(1, times: 3, at: 0)
  #expect(balancer.spread(of: 50, at: 1).allSatisfy { $0 > 5 })
}

@Test func `a session stays while its server is in, draining included, and not full`() {
  var balancer = Balancer(.sticky, servers: servers(3, max: 2), seed: 8)
  #expect((0..<50).allSatisfy { _ in balancer.pick(at: 0, pinned: 1) == .server(1) })
  balancer.set(.draining, for: 1, at: 0)
  #expect(balancer.pick(at: 0, pinned: 1) == .server(1))
  #expect(balancer.spread(of: 100)[1] == 0)
  #expect(balancer.pick(at: 0, avoiding: tried(1), pinned: 1) != .server(1))
  balancer.begin(1)
  #expect(balancer.pick(at: 0, pinned: 1) == .server(1))
  balancer.begin(1)
  #expect(balancer.pick(at: 0, pinned: 1) != .server(1))
  balancer.end(1)
  balancer.set(.down, for: 1, at: 0)
  #expect(balancer.pick(at: 0, pinned: 1) != .server(1))
  #expect(balancer.pick(at: 0, pinned: 7).index != nil)
  #expect(balancer.pick(at: 0, pinned: -1).index != nil)
}

@Test func `what is known of a server survives a reload that moves it`() {
  var old = Balancer(.p2c, servers: servers(3), seed: 9)
  old.begin(2)
  _ = old.note(.answered, latency: 7_000, of: 2, at: 5)
  old.set(.down, for: 1, at: 0)
  _ = old.note(.fell, of: 0, at: 0)
  let reversed = Array(servers(4).reversed())
  var new = Balancer(.leastConnections, servers: reversed, seed: 9)
  new.adopt(old, hasChecks: true, at: 5)
  let moved = new.index(of: old.servers[2].identity)
  #expect(moved == 1)
  #expect(new.servers.map(\.inFlight) == [0, 1, 0, 0])
  #expect(new.servers[3].health.availability(at: 5) == .failing)
  #expect(new.servers[1].latency.current(at: 5) == 7_000)
  #expect(new.servers[2].health.availability(at: 5) == .down)
  new.end(1)
  new.end(1)
  #expect(new.servers[1].inFlight == 0, "an end too many does no harm")
  new.adopt(old, hasChecks: false, at: 5)
  #expect(new.servers[3].health.availability(at: 5) == .up, "nobody would tell that it rose")
}

@Test func `requests of other workers count for the limit of a server`() {
  for algorithm in Algorithm.allCases {
    var balancer = Balancer(algorithm, servers: servers(1, max: 3), seed: 1)
    balancer.begin(0)
    balancer.setElsewhere(1, of: 0)
    #expect(balancer.pick(at: 0) == .server(0))
    balancer.setElsewhere(2, of: 0)
    #expect(balancer.pick(at: 0) == .full)
    balancer.setElsewhere(.max, of: 0)
    #expect(balancer.pick(at: 0) == .full)
    balancer.setElsewhere(-5, of: 0)
    #expect(balancer.pick(at: 0) == .server(0))
  }
}
