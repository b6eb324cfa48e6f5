// The life of one request, top to bottom:
//
//     read head -> route -> choose server -> connect or reuse -> send head -> relay bodies both ways
//     -> next request or close
//
// The head has been read (ClientConnection); here it is routed, a server is found, and an attempt is
// made with it (Attempt); a failed attempt is made again where that is safe, or answered.
import Balancing
import Bytes
import Configuration
import HTTP
import IO
import TLS
import Telemetry

/// Why an attempt with a server gave no response to pass on. Nothing has gone to the client.
enum AttemptFailure: Error {
  /// The connection ended before the first byte of a response: in order, or by a reset.
  case serverGone(wasReset: Bool)
  /// What the server sent is no HTTP response. Boxed, because each place where an attempt may fail has
  /// room for its failure in the frame that waits.
  indirect case invalidResponse(StaticString)
  /// No response head in time.
  case responseTimeout
  /// The server takes nothing more of the request.
  case serverStalled
  /// The request's head, with what is added to it, does not fit in a block.
  case headTooLarge
  /// The client's body is malformed, too large, or did not come in time.
  case badBody, bodyTooLarge, bodyTimeout
  /// The client has gone: nobody is there to be answered.
  case clientGone
}

/// Why a server gave no response to pass on.
enum ServerFailure {
  /// There is no connection to it.
  case unreachable(ConnectError)
  /// - Parameter wasReused: its connection had served a request before.
  case failed(AttemptFailure, wasReused: Bool)
}

/// What became of a request that was given a server.
enum ServerOutcome {
  /// A response was passed on, whole or cut off; this becomes of the client's connection.
  case done(Disposition)
  // Boxed: nearly all go well, and what a wait has to remember is to be small.
  indirect case none(ServerFailure)
}

/// What is done with a request.
enum Admission {
  case forward(RoutePlan, ForwardTarget)
  /// The configuration says what is answered.
  case respond(AnswerRoute)
  /// The proxy answers by itself. Boxed, since it is rare and large.
  indirect case answer(ErrorAnswer)
}

/// What becomes of a client's connection after an exchange.
enum Disposition {
  /// The next request may come.
  case persist
  /// All was sent: close.
  case close
  /// The response broke off: close at once, so that the client can tell.
  case cut
  /// The client may be sending still: give it time to read our answer first.
  case linger
}

extension ClientConnection where Stream: ~Copyable {
  /// Tries servers until one answers or there is no reason to try again.
  // What this and the functions within it hold across a wait is in one frame, of which each busy
  // connection has its own: so it holds little, and what rarely happens is in functions apart.
  @inline(__always)
  func forward(to route: RoutePlan, _ target: ForwardTarget) async -> Disposition {
    let upstream = route.upstream
    beginTurn(at: upstream)
    defer { endTurn(at: upstream) }
    while true {
      if !takeServerAtOnce(from: upstream),
        let refusal = await waitForServer(of: upstream, route)
      {
        return await answer(refusal)
      }
      let outcome: ServerOutcome
      if turn.isSecure {
        outcome = await attemptSecurely(route, target)
      } else {
        outcome = await attemptPlainly(route, target)
      }
      switch outcome {
      case .done(let disposition):
        Log.debug("\(summary): \(response.status) from \(upstream.name)")
        return disposition
      case .none(let failure):
        guard mayTryAgain(after: failure, at: route) else {
          return await answer(failure, from: upstream)
        }
      }
    }
  }

  private func beginTurn(at upstream: UpstreamPlan) {
    upstream.begin()
    if let search = makeSearch(for: upstream) { turn.search = search }
  }

  /// What `upstream.begin` has begun is over, and with it all that the request had of the upstream.
  func endTurn(at upstream: UpstreamPlan) {
    endLease(at: upstream)
    endRetry(at: upstream)
    if turn.search != nil { turn.search = nil }
    if !turn.cookieLine.isEmpty { turn.cookieLine = [] }
    upstream.end()
  }

  @inline(__always)
  private func attemptPlainly(_ route: RoutePlan, _ target: ForwardTarget) async -> ServerOutcome {
    do throws(ConnectError) {
      return await attempt(
        with: try await connection(on: route), keepsServer: turn.keepsConnections, route, target)
    } catch {
      return .none(.unreachable(error))
    }
  }

  @inline(__always)
  private func connection(
    on route: RoutePlan
  ) async throws(ConnectError) -> ServerConnection<TCPStream> {
    if route.upstream.options.proxyProtocol == nil, let idle = turn.takeIdle() { return idle }
    return try await connect(on: route)
  }

  @inline(never)
  private func connect(
    on route: RoutePlan
  ) async throws(ConnectError) -> ServerConnection<TCPStream> {
    guard let server = turn.server else { throw .noAddress }
    let preamble = proxyHeader(for: route.upstream)
    if !preamble.isEmpty, turn.mayReuse, let idle = server.pool.takeIdle(begunWith: preamble) {
      return idle
    }
    return try await route.upstream.connect(
      to: server, route.options, beginningWith: preamble, more: true)
  }

  @inline(__always)
  private func attempt<Server: ServerStream & ~Copyable>(
    with connection: ServerConnection<Server>, keepsServer: Bool, _ route: RoutePlan,
    _ target: ForwardTarget
  ) async -> ServerOutcome {
    let wasReused = connection.isReused
    do throws(AttemptFailure) {
      return .done(try await attempt(with: connection, route, target, keepsServer: keepsServer))
    } catch {
      return .none(.failed(error, wasReused: wasReused))
    }
  }

  @inline(never)
  private func attemptSecurely(_ route: RoutePlan, _ target: ForwardTarget) async -> ServerOutcome {
    guard let server = turn.server, let secure = server.secure,
      let security = route.upstream.security
    else { return .none(.unreachable(.noAddress)) }
    let preamble = proxyHeader(for: route.upstream)
    let name = serverName(at: server, route, security)
    let connection: ServerConnection<TLSStream>
    if turn.mayReuse, let idle = secure.pool.takeIdle(for: name.bytes, begunWith: preamble) {
      connection = idle
    } else {
      do throws(ConnectError) {
        connection = try await route.upstream.connect(
          to: server, as: name, route.options, security, beginningWith: preamble, worker.buffers)
      } catch {
        return .none(.unreachable(error))
      }
    }
    let session = connection.stream.session
    // A reload may have changed meanwhile what servers must prove.
    defer {
      if security == route.upstream.security { secure.keepTicket(of: session, for: name.bytes) }
    }
    return await attempt(
      with: connection, keepsServer: secure.pool.keepsConnections, route, target)
  }

  /// Whether the client's offer to change the protocol is passed on. One to speak another HTTP, or
  /// TLS, is not: what would follow could not be looked at any more, and requests would pass by
  /// every rule ("h2c smuggling").
  var mayUpgrade: Bool {
    guard let upgrade = request.upgrade else { return false }
    return input.withBytes { bytes in
      !bytes.slice(upgrade).names(anyOf: "h2c", "http/", "tls/")
    }
  }

  /// The request in a few words, for the log.
  private var summary: String {
    input.withBytes { bytes in
      "\(peer) \(bytes.string(request.methodRange)) \(bytes.string(request.target))"
    }
  }

  /// Answers a request that got no server.
  @inline(never)
  private func answer(_ refusal: ServerRefusal) async -> Disposition {
    if case .clientGone = refusal { return .cut }
    if case .unavailable = refusal, let error = turn.search?.connectError {
      return await answer(error.answer(keepAlive: mayPersist))
    }
    return await answer(refusal.answer(keepAlive: mayPersist))
  }

  /// Answers a request to which no server gave a response.
  @inline(never)
  private func answer(
    _ failure: ServerFailure, from upstream: UpstreamPlan
  ) async -> Disposition {
    switch failure {
    case .unreachable(let error): await answer(error.answer(keepAlive: mayPersist))
    case .failed(let failure, _): await answer(failure, from: upstream)
    }
  }

  private func answer(
    _ failure: AttemptFailure, from upstream: UpstreamPlan
  ) async -> Disposition {
    switch failure {
    case .clientGone:
      return .cut
    case .headTooLarge:
      return await answer(.init(.fieldsTooLarge, "the header fields are too large"))
    case .badBody:
      return await answer(.init(.badRequest, "the request body is malformed"))
    case .bodyTooLarge:
      return await answer(.init(.contentTooLarge, "the request body is too large"))
    case .bodyTimeout:
      return await answer(.init(.requestTimeout, "the request body did not arrive in time"))
    case .responseTimeout, .serverStalled:
      upstream.note("no response in time", at: reactor.now)
      return await answer(.init(.gatewayTimeout, "the server did not answer in time"))
    case .serverGone:
      upstream.note("connection closed before a response", at: reactor.now)
      return await answer(
        .init(.badGateway, "the server closed the connection", keepAlive: mayPersist))
    case .invalidResponse(let what):
      upstream.note("invalid response: \(what)", at: reactor.now)
      return await answer(
        .init(.badGateway, "the server's response was invalid", keepAlive: mayPersist))
    }
  }

  /// Gives an answer of the proxy's own; the connection stays only when nothing of a body can come.
  /// Where the route has a page for its status, that is given in its place.
  @inline(never)
  func answer(_ answer: ErrorAnswer) async -> Disposition {
    if let route {
      if answer.status.isServerError {
        route.tables.traffic.noteFailure(at: place)
      }
      if let page = route.settings.errorPages[Int(answer.status.rawValue)] {
        return await give(page, on: route, for: answer)
      }
      let settings = route.settings
      if settings.responseFields != nil || settings.strictTransport != nil && isSecure {
        return await give(changed: answer, on: route)
      }
    }
    var answer = answer
    if case .none = request.framing {} else { answer.keepAlive = false }
    let wasSent = await send(answer, isHead: request.isHead)
    guard wasSent, answer.keepAlive else { return .linger }
    inputUsed = request.byteCount
    return .persist
  }
}
