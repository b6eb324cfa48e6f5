// Tunnels and reloads: a WebSocket may outlive a hundred configurations. As long as its route is what
// it was, it is left alone; otherwise it gets some time, and is then closed.
import IO

/// A tunnel as a reload sees it. Worker-confined.
final class TunnelRecord {
  let route: RoutePlan
  /// Its two sides: its task waits for one of them or for both.
  fileprivate let sides: [Interest]
  /// When it is closed in any case.
  private(set) var end = Moment.never

  fileprivate init(_ route: RoutePlan, _ sides: [Interest]) {
    self.route = route
    self.sides = sides
  }

  fileprivate func end(by moment: Moment) { end = min(end, moment) }
}

extension WorkerState {
  /// A tunnel begins; `forget` it when it has ended.
  func noteTunnel(on route: RoutePlan, between sides: [Interest]) -> TunnelRecord {
    let record = TunnelRecord(route, sides)
    tunnels[ObjectIdentifier(record)] = record
    return record
  }

  func forget(_ tunnel: TunnelRecord) { tunnels[ObjectIdentifier(tunnel)] = nil }

  /// Tunnels whose route is not in the plan any more end in so many milliseconds.
  func endTunnels(leaving plan: Plan, in milliseconds: Int64) {
    guard !tunnels.isEmpty else { return }
    let end = reactor.now.advanced(by: milliseconds)
    for tunnel in tunnels.values where !plan.stillHas(tunnel.route) {
      tunnel.end(by: end)
      // It waits for its old deadline otherwise.
      for side in tunnel.sides { reactor.interrupt(side) }
    }
  }
}

extension Plan {
  /// Whether requests that took this route would still take one that says the same.
  func stillHas(_ route: RoutePlan) -> Bool {
    guard let present = self.route() else { return false }
    return present.options == route.options && present.upstream.name == route.upstream.name
  }
}
