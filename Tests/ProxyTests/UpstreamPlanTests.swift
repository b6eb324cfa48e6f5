// An upstream over its life: members come and go, requests are counted where they began, what the
// operator said is kept, a reload changes it when it takes effect and not before.
import Balancing
import Configuration
import IO
import Testing

@testable import Proxy

private func member(_ last: UInt32, weight: Int = 1, max: Int? = nil) -> Member {
  Member(
    name: "app.test:80", address: .v4(0x0a00_0000 | last, port: 80), weight: weight,
    maxConnections: max)
}

private func numeric(_ last: Int, max: Int? = nil) -> ServerConfiguration {
  ServerConfiguration(address: .ip(host: "10.0.0.\(last)", port: 80), maxConnections: max)
}

private func configured(
  _ servers: [ServerConfiguration], _ change: (inout UpstreamOptions) -> Void = { _ in }
) -> UpstreamConfiguration {
  var options = UpstreamOptions()
  change(&options)
  return UpstreamConfiguration(name: "app", servers: servers, options: options)
}

private func upstream(
  _ servers: [ServerConfiguration], _ commons: Commons = Commons(),
  _ change: (inout UpstreamOptions) -> Void = { _ in }
) -> UpstreamPlan {
  UpstreamPlan.make(configured(servers, change), in: quietContext(commons))
}

extension UpstreamPlan {
  fileprivate func lease(_ search: ServerSearch? = nil) -> Lease? {
    if case .server(let lease) = choose(search) { lease } else { nil }
  }

  fileprivate var inFlight: [Int] { status.servers.map(\.inFlight) }
  fileprivate var addresses: [String] { status.servers.map(\.member.address.description) }
}

@Suite struct UpstreamPlanTests {
  @Test func `numeric addresses are members at once, in the order of the configuration`() {
    let plan = upstream([numeric(1), numeric(2)])
    #expect(plan.addresses == ["10.0.0.1:80", "10.0.0.2:80"])
    #expect(!plan.awaitsNames)
  }

  @Test func `a server that is named twice is one`() {
    #expect(upstream([numeric(1), numeric(1)]).addresses == ["10.0.0.1:80"])
  }

  @Test func `a request goes on counting at its server when that moves in the list`() throws {
    let plan = upstream([ServerConfiguration(address: .name(host: "app.test", port: 80))])
    plan.follow([member(1)])
    let lease = try #require(plan.lease())
    plan.follow([member(2), member(3), member(1)])
    #expect(plan.inFlight == [0, 0, 1])
    plan.end(lease)
    #expect(plan.inFlight == [0, 0, 0])
  }

  @Test func `a request with a server that has gone ends without a trace`() throws {
    let plan = upstream([ServerConfiguration(address: .name(host: "app.test", port: 80))])
    plan.follow([member(1)])
    let lease = try #require(plan.lease())
    plan.follow([member(2)])
    #expect(plan.inFlight == [0])
    plan.note(.failed, of: lease.server, latency: nil)
    plan.end(lease)
    #expect(plan.inFlight == [0])
    #expect(!lease.server.pool.keepsConnections)
    // It is a new server when it comes back.
    plan.follow([member(2), member(1)])
    #expect(plan.status.servers[1].requests == 0)
  }

  @Test func `a name is awaited until the DNS has spoken, whatever it said`() {
    let plan = upstream([ServerConfiguration(address: .name(host: "app.test", port: 80))])
    #expect(plan.awaitsNames)
    plan.follow([])
    #expect(!plan.awaitsNames)
    if case .unavailable = plan.choose() {} else { Issue.record("a server") }
  }

  @Test func `health is kept when members change`() {
    let plan = upstream([ServerConfiguration(address: .name(host: "app.test", port: 80))])
    plan.follow([member(1), member(2)])
    for _ in 0..<3 { plan.note(.failed, of: plan.servers[0], latency: nil) }
    plan.follow([member(3), member(1), member(2)])
    guard case .ejected = plan.status.servers[1].state else {
      Issue.record("the server is in")
      return
    }
    #expect(plan.status.servers[2].state == .up)
  }

  @Test func `one server alone is never put out`() {
    let plan = upstream([numeric(1)])
    for _ in 0..<10 { plan.note(.failed, of: plan.servers[0], latency: nil) }
    #expect(plan.status.servers[0].state == .up)
    #expect(plan.status.servers[0].failures == 10)
  }

  @Test func `a server that was not reached is not asked again at once`() throws {
    let plan = upstream([numeric(1), numeric(2)])
    let search = ServerSearch()
    search.wantsAnother = true
    let first = try #require(plan.lease(search)).server
    search.tried = [first]
    let second = try #require(plan.lease(search)).server
    let isOther = second !== first
    #expect(isOther)
    search.tried = [first, second]
    let third = plan.lease(search) == nil
    #expect(third)
    // Where the request was lost otherwise, it is.
    search.wantsAnother = false
    let again = plan.lease(search) != nil
    #expect(again)
  }
}

@Suite struct AdministrationTests {
  @Test func `what is said of a name is said of all its addresses, also of later ones`() {
    let plan = upstream([
      ServerConfiguration(address: .name(host: "app.test", port: 80)), numeric(9),
    ])
    plan.follow([member(1), member(2), Member(numeric(9)) ?? member(9)])
    #expect(plan.administer(.draining, "app.test:80") == 2)
    plan.follow([member(2), member(3), Member(numeric(9)) ?? member(9)])
    #expect(plan.status.servers.map(\.administrative) == [.draining, .draining, .up])
    #expect(plan.administer(.up, "app.test:80") == 2)
    plan.follow([member(4)])
    #expect(plan.status.servers.map(\.administrative) == [.up])
  }

  @Test func `an address may differ from its name`() {
    let plan = upstream([ServerConfiguration(address: .name(host: "app.test", port: 80))])
    plan.follow([member(1), member(2)])
    #expect(plan.administer(.down, "app.test:80") == 2)
    #expect(plan.administer(.up, "10.0.0.2:80") == 1)
    plan.follow([member(1)])
    plan.follow([member(1), member(2)])
    #expect(plan.status.servers.map(\.administrative) == [.down, .up])
  }

  @Test func `nobody of that name is nobody`() {
    let plan = upstream([numeric(1)])
    #expect(plan.administer(.down, "10.0.0.2:80") == 0)
    #expect(plan.wishes.isEmpty)
  }

  @Test func `a server that is down gets nothing, and all of it again when it is up`() throws {
    let plan = upstream([numeric(1)])
    #expect(plan.administer(.down, "10.0.0.1:80") == 1)
    let none = plan.lease() == nil
    #expect(none)
    #expect(plan.administer(.up, "10.0.0.1:80") == 1)
    let one = plan.lease() != nil
    #expect(one)
  }
}

@Suite struct UpstreamReloadTests {
  @Test func `a new plan's upstream is the old one, and changes when it takes effect`() throws {
    let context = quietContext()
    let old = UpstreamPlan.make(configured([numeric(1), numeric(2)]), in: context)
    let lease = try #require(old.lease())
    #expect(old.administer(.draining, "10.0.0.2:80") == 1)
    let later = configured([numeric(3), numeric(2), numeric(1)]) { $0.balance = .roundRobin }
    let new = UpstreamPlan.make(later, in: context, adopting: old)
    let isSame = new === old
    #expect(isSame)
    #expect(old.addresses == ["10.0.0.1:80", "10.0.0.2:80"])
    new.takeEffect()
    #expect(new.addresses == ["10.0.0.3:80", "10.0.0.2:80", "10.0.0.1:80"])
    #expect(new.status.algorithm == .roundRobin)
    #expect(new.status.servers.map(\.administrative) == [.up, .draining, .up])
    #expect(new.inFlight.reduce(0, +) == 1)
    new.end(lease)
    #expect(new.inFlight == [0, 0, 0])
  }

  @Test func `a plan that never takes effect changes nothing`() {
    let context = quietContext()
    let old = UpstreamPlan.make(configured([numeric(1)]), in: context)
    _ = UpstreamPlan.make(configured([numeric(2)]), in: context, adopting: old)
    UpstreamPlan.make(configured([numeric(1)]), in: context, adopting: old).takeEffect()
    #expect(old.addresses == ["10.0.0.1:80"])
  }

  @Test func `addresses of a name stay over a reload, with what is configured now`() {
    let context = quietContext()
    var server = ServerConfiguration(address: .name(host: "app.test", port: 80))
    let old = UpstreamPlan.make(configured([server]), in: context)
    old.follow([member(1), member(2)])
    server.weight = 7
    let new = UpstreamPlan.make(configured([server, numeric(9)]), in: context, adopting: old)
    new.takeEffect()
    #expect(new.status.servers.map(\.member.weight) == [7, 7, 1])
    #expect(!new.awaitsNames)
  }
}
