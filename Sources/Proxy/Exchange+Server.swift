// Having a server for a request: chosen at once, or waited for while all are full or not known yet.
import Balancing
import Bytes
import Configuration
import HTTP
import IO

/// What a request has of its upstream while it is tried. Not copyable: what needs its server goes to it
/// by way of the turn, and counts no reference.
struct ServerTurn: ~Copyable {
  /// The server it is with; nil as soon as that has done its part.
  private(set) var server: UpstreamServer?
  /// Its place there, as in `Lease`.
  private var place: Places?
  /// It is tried again, which counts in the upstream's budget until a server has answered.
  var isRetry = false
  /// When the server was chosen: exact microseconds, or 0 when they are not measured.
  var startedAt: Int64 = 0
  /// The Set-Cookie line that the response gets; empty for none.
  var cookieLine: [UInt8] = []
  /// What was found out so far, and what the request asks for; nil at the first try of a request to
  /// which all servers are equal.
  var search: ServerSearch?
  /// The server of a connection that is passed on has been reached, and it has still to show that it
  /// is well.
  var owesOutcome = false
  /// How long it took to reach it, in microseconds, if that is measured.
  var connectLatency: Int64?

  /// Whether a kept connection may be used.
  var mayReuse: Bool { search?.mayReuse ?? true }

  /// The search, from now on there is one.
  mutating func makeSearch() -> ServerSearch {
    if let search { return search }
    let made = ServerSearch()
    search = made
    return made
  }

  /// The request is with a server from now on.
  @inline(__always)
  mutating func begin(_ lease: consuming Lease) {
    server = lease.server
    place = lease.place
  }

  /// It is with none from now on.
  @inline(__always)
  mutating func takeLease() -> Lease? {
    guard let server else { return nil }
    let lease = Lease(server: server, place: place)
    self.server = nil
    place = nil
    return lease
  }

  @inline(__always)
  func choose(from upstream: UpstreamPlan) -> ServerChoice { upstream.choose(search) }

  /// Tells the upstream how its server has done.
  @inline(__always)
  func note(_ outcome: Outcome, at upstream: UpstreamPlan, latency: Int64?) {
    server?.note(outcome, at: upstream, latency: latency)
  }

  /// Whether the server is spoken to by TLS.
  var isSecure: Bool { server?.secure != nil }

  /// Whether the server's connections are kept, as far as they go without TLS.
  var keepsConnections: Bool { server?.pool.keepsConnections == true }

  /// A kept connection to the server, where one may be used.
  @inline(__always)
  func takeIdle() -> ServerConnection<TCPStream>? { mayReuse ? server?.takeIdle() : nil }

  /// Keeps a connection to the server, whose last response is complete.
  @inline(__always)
  func keep<Server: ServerStream & ~Copyable>(
    _ connection: ServerConnection<Server>, for seconds: UInt32?
  ) {
    server?.keep(connection, for: seconds)
  }
}

extension ClientConnection where Stream: ~Copyable {
  /// Gives the request a server if one is free; nearly always one is.
  ///
  /// A place that was found free is taken also while others wait: nobody leaves one free then.
  func takeServerAtOnce(from upstream: UpstreamPlan) -> Bool {
    guard case .server(let lease) = turn.choose(from: upstream) else { return false }
    start(lease, at: upstream)
    return true
  }

  private func start(_ lease: consuming Lease, at upstream: UpstreamPlan) {
    turn.begin(lease)
    let isMeasured = upstream.balancer.algorithm.needsLatency || record.requests & 15 == 1
    turn.startedAt = isMeasured ? reactor.exactMicroseconds : 0
    if upstream.sticky != nil { nameServer() }
  }

  /// Lets the response tell the client of its server, unless it knows.
  @inline(never)
  private func nameServer() {
    guard let server = turn.server else { return }
    let search = turn.search
    let isNamed = server === search?.pinned && search?.renewsCookie == false
    turn.cookieLine = isNamed ? [] : server.cookieLine
  }

  /// The server is free for others.
  func endLease(at upstream: UpstreamPlan) {
    if let lease = turn.takeLease() { upstream.end(lease) }
  }

  /// A retry is one until a server has answered.
  func endRetry(at upstream: UpstreamPlan) {
    guard turn.isRetry else { return }
    turn.isRetry = false
    upstream.budget.retryEnded()
  }

  /// The response's head has come.
  func noteResponse(of upstream: UpstreamPlan) {
    endRetry(at: upstream)
    let outcome: Outcome = response.status >= 500 ? .answeredWithError : .answered
    if response.status >= 500 {
      route?.tables.traffic.noteFailure(at: place)
    }
    turn.note(outcome, at: upstream, latency: latency)
  }

  /// An attempt gave no response to pass on.
  func note(_ failure: AttemptFailure, of upstream: UpstreamPlan, wasReused: Bool) {
    guard let server = turn.server else { return }
    switch failure {
    case .serverGone:
      // Servers close kept connections when they like; whether this one lives, the next will tell.
      if !wasReused { upstream.note(.failed, of: server, latency: nil) }
    case .responseTimeout, .serverStalled:
      let patience = reactor.now.milliseconds - upload.lastProgress.milliseconds
      upstream.note(.failed, of: server, latency: latency ?? patience * 1000)
    case .invalidResponse:
      upstream.note(.answeredWithError, of: server, latency: nil)
    case .headTooLarge, .badBody, .bodyTooLarge, .bodyTimeout, .clientGone: break
    }
  }

  var latency: Int64? {
    turn.startedAt == 0 ? nil : max(1, reactor.exactMicroseconds - turn.startedAt)
  }
}

/// Why a request gets no server.
enum ServerRefusal {
  /// None is in.
  case unavailable
  /// As many wait as may.
  case lineIsFull
  /// It waited as long as it may.
  case timedOut
  /// The client has gone.
  case clientGone

  func answer(keepAlive: Bool) -> ErrorAnswer {
    switch self {
    case .unavailable, .clientGone:
      ErrorAnswer(
        .serviceUnavailable, "no server is available", keepAlive: keepAlive, retryAfter: 5)
    case .lineIsFull:
      ErrorAnswer(
        .serviceUnavailable, "all servers are busy", keepAlive: keepAlive, retryAfter: 1)
    case .timedOut:
      ErrorAnswer(
        .serviceUnavailable, "all servers were busy for too long", keepAlive: keepAlive,
        retryAfter: 1)
    }
  }
}

extension ClientConnection where Stream: ~Copyable {
  /// Waits until the request has a server.
  ///
  /// - Returns: why it gets none.
  @inline(never)
  func waitForServer(of upstream: UpstreamPlan, _ route: RoutePlan) async -> ServerRefusal? {
    switch turn.choose(from: upstream) {
    case .server(let lease):
      start(lease, at: upstream)
      return nil
    case .full:
      return await waitInLine(of: upstream)
    case .unavailable:
      guard upstream.awaitsNames, turn.search?.wantsAnother != true else { return .unavailable }
      return await waitForNames(of: upstream, route)
    }
  }

  /// Waits for the first answer of the DNS, as long as connecting may take.
  private func waitForNames(
    of upstream: UpstreamPlan, _ route: RoutePlan
  ) async -> ServerRefusal? {
    let waiter = Waiter(stream.hangupInterest)
    upstream.nameWaiters.append(waiter)
    defer { upstream.nameWaiters.removeAll { $0 === waiter } }
    let patience = Int64(route.options.connectTimeoutMilliseconds)
    var wait = ServerWait(until: reactor.now.advanced(by: patience))
    while upstream.awaitsNames {
      guard await isPatient(&wait, waiter) else {
        return reactor.now >= wait.deadline ? .unavailable : .clientGone
      }
    }
    switch turn.choose(from: upstream) {
    case .server(let lease):
      start(lease, at: upstream)
      return nil
    case .full: return await waitInLine(of: upstream)
    case .unavailable: return .unavailable
    }
  }

  /// Waits for a place at a server.
  private func waitInLine(of upstream: UpstreamPlan) async -> ServerRefusal? {
    let options = upstream.options
    guard let line = upstream.line,
      let ticket = line.enter(upstream.context.worker, limit: options.queue)
    else { return .lineIsFull }
    let waiter = Waiter(stream.hangupInterest)
    upstream.waiters[ticket] = waiter
    defer {
      line.leave(ticket)
      upstream.waiters[ticket] = nil
    }
    var wait = ServerWait(
      until: reactor.now.advanced(by: Int64(options.queueTimeoutMilliseconds)))
    while true {
      // Looked for again at once, since a place may have become free just before we stood in the
      // line, and every second, since servers come back by the mere passing of time.
      switch turn.choose(from: upstream) {
      case .server(let lease):
        start(lease, at: upstream)
        return nil
      case .unavailable: return .unavailable
      case .full: break
      }
      let isPatient = await isPatient(&wait, waiter)
      if let lease = waiter.lease {
        start(lease, at: upstream)
        return nil
      }
      if !isPatient { return reactor.now >= wait.deadline ? .timedOut : .clientGone }
    }
  }

  /// Waits until it is time to look again. False when time is up or the client has gone: it has a
  /// second after closing its side, as everywhere (docs/decisions/0002).
  private func isPatient(_ wait: inout ServerWait, _ waiter: Waiter) async -> Bool {
    if waiter.isWoken {
      waiter.isWoken = false
      return true
    }
    var interest = stream.hangupInterest
    if wait.ignoresHangup { interest.wanted = [] }
    let next = min(wait.deadline, wait.goneAt, reactor.now.advanced(by: ServerWait.lookAgain))
    _ = await reactor.wait(for: interest, until: next)
    waiter.isWoken = false
    if stream.isBroken || reactor.now >= wait.goneAt || reactor.now >= wait.deadline {
      return false
    }
    if stream.isHungUp, !wait.ignoresHangup {
      wait.ignoresHangup = true
      // Of a connection that is passed on, one side may end long before the other.
      let hasMore = isPassed || input.count > request.byteCount || stream.hasUnreadBytes()
      if !hasMore { wait.goneAt = reactor.now.advanced(by: 1000) }
    }
    return true
  }
}

/// A wait for a server.
private struct ServerWait {
  let deadline: Moment
  /// The client has closed its side, which was noticed.
  var ignoresHangup = false
  /// When the client counts as gone.
  var goneAt = Moment.never

  init(until deadline: Moment) { self.deadline = deadline }

  /// Milliseconds.
  static var lookAgain: Int64 { 1000 }
}
