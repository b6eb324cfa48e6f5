// Waiting for a place at a server that has a limit, and handing places over to those who wait.
import Balancing
import Configuration
import IO

/// A request of this worker that waits for a server. Worker-confined.
final class Waiter {
  /// What its task waits for meanwhile, so that it can be woken.
  let interest: Interest
  /// The place it was given.
  var lease: Lease?
  /// Something has changed: it may look again.
  var isWoken = false

  init(_ interest: Interest) { self.interest = interest }
}

extension UpstreamPlan {
  /// A place has become free: it goes to whoever waits longest, or back.
  func free(_ places: Places, at server: UpstreamServer) {
    guard let line else { return places.free() }
    let limit = server.member.maxConnections ?? .max
    // Nobody shall be sent to a server that has gone or is out, nor above a limit that was lowered.
    let isWanted =
      server.index >= 0 && places.count <= limit
      && balancer.servers[server.index].health.availability(at: context.now).takesRequests
    while isWanted, let entry = line.next() {
      guard let worker = entry.worker, worker !== context.worker else {
        if grant(places, at: server, to: entry.ticket) { return }
        continue
      }
      let (identity, name) = (server.identity, name)
      Task.immediate {
        await worker.take(places, at: identity, of: name, for: entry.ticket)
      }
      return
    }
    places.free()
    // Somebody may have entered the line just before; see Places.swift.
    if isWanted, line.count > 0, places.take(limit: limit) { free(places, at: server) }
  }

  /// Gives a place to a request that waits here. False when it waits no more.
  func grant(_ places: Places, at server: UpstreamServer, to ticket: UInt64) -> Bool {
    guard let waiter = waiters.removeValue(forKey: ticket) else { return false }
    waiter.lease = begin(server, places)
    reactor.interrupt(waiter.interest)
    return true
  }

  /// Lets everybody look again: there are other servers, or some are in again.
  func wakeAll() {
    if waiters.isEmpty, nameWaiters.isEmpty { return }
    for waiter in waiters.values { wake(waiter) }
    for waiter in nameWaiters { wake(waiter) }
  }

  private func wake(_ waiter: Waiter) {
    waiter.isWoken = true
    reactor.interrupt(waiter.interest)
  }
}

extension Availability {
  /// Whether new requests go there.
  var takesRequests: Bool {
    switch self {
    case .up, .warming, .onProbation: true
    case .ejected, .failing, .draining, .down: false
    }
  }
}

extension Worker {
  /// Another worker gives a place to a request that waits here.
  func take(_ places: Places, at identity: UInt64, of upstream: String, for ticket: UInt64) {
    guard let plan = state.plan.upstream(named: upstream) else { return places.free() }
    guard let server = plan.servers.first(where: { $0.identity == identity }) else {
      return places.free()
    }
    if !plan.grant(places, at: server, to: ticket) { plan.free(places, at: server) }
  }
}
