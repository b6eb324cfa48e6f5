// Connections of which nothing is understood: TLS that is passed through, and plain services. A server
// is chosen as for a request, tried elsewhere when it cannot be reached, and then bytes move both ways.
import Balancing
import Bytes
import Configuration
import HTTP
import IO
import Preamble
import Telemetry

extension ClientConnection where Stream: ~Copyable {
  /// Gives the connection a server and moves bytes both ways until it ends. What has been received
  /// goes first.
  ///
  /// - Parameter hello: what a connection of TLS began with; nil of others.
  func pass(to route: RoutePlan, at place: RoutePlace, _ hello: ClientHello?) async {
    self.place = place
    let upstream = route.upstream
    route.tables.noteRequest(at: place)
    upstream.begin()
    defer { endTurn(at: upstream) }
    isPassed = true
    if upstream.balancer.algorithm == .hash { turn.makeSearch().key = addressKey }
    let preamble = proxyHeader(for: upstream, hello)
    while true {
      if !takeServerAtOnce(from: upstream),
        let refusal = await waitForServer(of: upstream, route)
      {
        if case .clientGone = refusal { return }
        route.tables.traffic.noteFailure(at: place)
        return upstream.note("a connection was closed: \(refusal.words)", at: reactor.now)
      }
      guard let server = turn.server else { return }
      let connection: ServerConnection<TCPStream>
      do {
        connection = try await upstream.connect(
          to: server, route.options, beginningWith: preamble, more: !input.isEmpty)
      } catch {
        guard mayTryAgain(after: error, server, at: route) else {
          return route.tables.traffic.noteFailure(at: place)
        }
        continue
      }
      endRetry(at: upstream)
      await move(to: connection, route)
      return
    }
  }

  private func move(to connection: ServerConnection<TCPStream>, _ route: RoutePlan) async {
    upload.start(.untilClose, chunkedOutput: false, highWater: 65536)
    download.start(.untilClose, chunkedOutput: false, highWater: 65536)
    upload.isRaw = true
    download.isRaw = true
    if !input.isEmpty {
      var first = ByteBuffer()
      swap(&first, &input)
      upload.output.append(first)
    }
    turn.owesOutcome = true
    turn.connectLatency = latency
    await moveBytes(to: connection, on: route, isWebSocket: false)
    guard turn.owesOutcome else { return }
    // A server that takes connections only to break them is not well.
    let hasFailed = connection.stream.isBroken && !stream.isBroken
    if hasFailed { route.tables.traffic.noteFailure(at: place) }
    noteOutcome(hasFailed ? .failed : .answered, of: route.upstream)
  }

  /// The server has said its first byte, or the connection has ended without one.
  func noteOutcome(_ outcome: Outcome, of upstream: UpstreamPlan) {
    turn.owesOutcome = false
    turn.note(outcome, at: upstream, latency: turn.connectLatency)
  }
}

extension ServerRefusal {
  /// For the log.
  fileprivate var words: StaticString {
    switch self {
    case .unavailable: "no server is available"
    case .lineIsFull: "all servers are busy"
    case .timedOut: "all servers were busy for too long"
    case .clientGone: "the client has gone"
    }
  }
}
