// Tunnels and reloads: a WebSocket may outlive a hundred configurations. As long as its route is what
// it was, it is left alone; otherwise it gets some time, and is then closed.
import IO

/// A tunnel as a reload sees it. Worker-confined.
final class TunnelRecord {
  /// Its route in the plan in force, or the last one it had.
  fileprivate(set) var route: RoutePlan
  fileprivate let name: RouteName
  /// Its two sides: its task waits for one of them or for both.
  fileprivate let sides: [Interest]
  let isWebSocket: Bool
  /// When it is closed in any case.
  fileprivate(set) var end = Moment.never
  /// A WebSocket's client is told to go, with close code 1001.
  fileprivate(set) var isLeaving = false

  /// How long a WebSocket may take for the end of a frame and the client's farewell.
  static let farewell: Int64 = 5000

  /// Tells the client to go. The tunnel ends by itself then, or when the time is over.
  func leave(at now: Moment) {
    guard !isLeaving else { return }
    isLeaving = true
    end = now.advanced(by: Self.farewell)
  }

  fileprivate init(_ route: RoutePlan, _ name: RouteName, _ sides: [Interest], isWebSocket: Bool) {
    self.isWebSocket = isWebSocket
    self.route = route
    self.name = name
    self.sides = sides
  }
}

extension WorkerState {
  /// A tunnel begins; `forget` it when it has ended.
  func noteTunnel(
    on route: RoutePlan, at place: RoutePlace, between sides: [Interest], isWebSocket: Bool
  ) -> TunnelRecord {
    let name = route.tables.sites.name(of: place)
    let record = TunnelRecord(route, name, sides, isWebSocket: isWebSocket)
    if isWebSocket, leavesTunnels { record.leave(at: reactor.now) }
    tunnels[ObjectIdentifier(record)] = record
    return record
  }

  func forget(_ tunnel: TunnelRecord) { tunnels[ObjectIdentifier(tunnel)] = nil }

  /// Tunnels whose route is not in the plan any more end in so many milliseconds.
  func endTunnels(leaving plan: Plan, in milliseconds: Int64) {
    guard !tunnels.isEmpty else { return }
    let end = reactor.now.advanced(by: milliseconds)
    for tunnel in tunnels.values where !tunnel.isLeaving {
      if let same = plan.counterpart(of: tunnel.route, named: tunnel.name) {
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

  /// WebSockets end, each with close code 1001, those that begin from now on as well. Other tunnels
  /// have no way to tell.
  func leaveTunnels() {
    leavesTunnels = true
    for tunnel in tunnels.values where tunnel.isWebSocket {
      tunnel.leave(at: reactor.now)
      for side in tunnel.sides { reactor.interrupt(side) }
    }
  }
}
