// max_connections over several workers, and the line in front of full servers.
import Balancing
import Configuration
import IO
import Synchronization
import TestSupport
import Testing

@testable import Proxy

private func upstream(limit: Int, _ commons: Commons) -> UpstreamPlan {
  let server = ServerConfiguration(
    address: .ip(host: "10.0.0.1", port: 80), maxConnections: limit)
  return UpstreamPlan.make(
    UpstreamConfiguration(name: "app", servers: [server]), in: quietContext(commons))
}

extension UpstreamPlan {
  fileprivate func lease() -> Lease? {
    if case .server(let lease) = choose() { lease } else { nil }
  }
}

@Suite(.timeLimit(.minutes(1))) struct PlacesTests {
  @Test func `there are as many places as the limit says`() {
    let places = Places()
    #expect(places.take(limit: 2) && places.take(limit: 2))
    #expect(!places.take(limit: 2))
    places.free()
    #expect(places.take(limit: 2))
    #expect(places.count == 2)
  }

  @Test func `workers share the places of a server`() throws {
    let commons = Commons()
    let (one, other) = (upstream(limit: 2, commons), upstream(limit: 2, commons))
    let first = try #require(one.lease())
    let second = other.lease() != nil
    #expect(second)
    for plan in [one, other] {
      guard case .full = plan.choose() else {
        Issue.record("one past the limit")
        return
      }
    }
    one.end(first)
    let third = other.lease() != nil
    #expect(third)
  }

  @Test func `processes, and upstreams of other names, do not`() {
    let (one, other) = (upstream(limit: 1, Commons()), upstream(limit: 1, Commons()))
    let both = one.lease() != nil && other.lease() != nil
    #expect(both)
  }

  @Test func `the line is as long as it may be, and first come is first served`() throws {
    let line = WaitingLine()
    let first = try #require(line.enter(nil, limit: 2))
    let second = try #require(line.enter(nil, limit: 2))
    #expect(line.enter(nil, limit: 2) == nil)
    #expect(line.count == 2)
    #expect(line.next()?.ticket == first)
    let third = try #require(line.enter(nil, limit: 2))
    line.leave(second)
    line.leave(second)
    #expect(line.count == 1)
    #expect(line.next()?.ticket == third)
    #expect(line.next() == nil && line.count == 0)
  }

  @Test func `a place that is given back goes to who waits, not to who comes`() throws {
    let plan = upstream(limit: 1, Commons())
    let lease = try #require(plan.lease())
    let ticket = try #require(plan.line?.enter(nil, limit: 9))
    let waiter = Waiter(Interest(-1, []))
    plan.waiters[ticket] = waiter
    plan.end(lease)
    let given = try #require(waiter.lease)
    let late = plan.lease() == nil
    #expect(late)
    plan.end(given)
    let next = plan.lease() != nil
    #expect(next)
  }

  @Test func `who has gone is passed over`() throws {
    let plan = upstream(limit: 1, Commons())
    let lease = try #require(plan.lease())
    _ = plan.line?.enter(nil, limit: 9)
    plan.end(lease)
    let isFree = plan.lease() != nil
    #expect(isFree)
  }

  @Test func `a limit that is lifted lets everybody look again`() throws {
    let context = quietContext()
    var server = ServerConfiguration(
      address: .ip(host: "10.0.0.1", port: 80), maxConnections: 1)
    let configuration = UpstreamConfiguration(name: "app", servers: [server])
    let plan = UpstreamPlan.make(configuration, in: context)
    let lease = try #require(plan.lease())
    let waiter = Waiter(Interest(-1, []))
    plan.waiters[1] = waiter
    server.maxConnections = nil
    let later = UpstreamConfiguration(name: "app", servers: [server])
    UpstreamPlan.make(later, in: context, adopting: plan).takeEffect()
    #expect(waiter.isWoken)
    let isFree = plan.lease() != nil
    #expect(isFree)
    plan.end(lease)
    #expect(plan.status.servers[0].inFlight == 1)
  }
}
