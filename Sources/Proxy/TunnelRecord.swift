// Tunnels and reloads: a WebSocket may outlive a hundred configurations. As long as its route is what
// it was, it is left alone; otherwise it gets some time, and is then closed.
import IO

/// A tunnel as a reload sees it. Worker-confined.
final class TunnelRecord {
  /// Its route in the plan in force, or the last one it had.
  fileprivate(set) var route: RoutePlan
  /// Its two sides: its task waits for one of them or for both.
  fileprivate let sides: [Interest]
  /// When it is closed in any case.
  fileprivate(set) var end = Moment.never

  fileprivate init(_ route: RoutePlan, _ sides: [Interest]) {
    self.route = route
    self.sides = sides
  }
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
    for tunnel in tunnels.values {
      if let same = plan.counterpart(of: tunnel.route) {
        // Nothing of an old plan lives longer for its sake.
        tunnel.route = same
        tunnel.end = .never
      } else {
        tunnel.end = min(tunnel.end, end)
        // It waits for its old deadline otherwise.
        for side in tunnel.sides { reactor.interrupt(side) }
      }
    }
  }
}
