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
  /// What the server sent is no HTTP response.
  case invalidResponse(StaticString)
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

/// How an attempt ended.
enum AttemptOutcome {
  /// A response was passed on, whole or cut off; this becomes of the client's connection.
  case done(Disposition)
  case failed(AttemptFailure)
}

/// What became of an attempt with a server.
enum ServerOutcome {
  /// There was none.
  case unreachable(ConnectError)
  case attempted(AttemptOutcome, wasReused: Bool)
}

/// What is done with a request.
enum Admission {
  case forward(RoutePlan, ForwardTarget)
  /// The configuration says what is answered.
  case respond(AnswerRoute)
  /// The proxy answers by itself.
  case answer(ErrorAnswer)
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
  @inline(__always)
  func forward(to route: RoutePlan, _ target: ForwardTarget) async -> Disposition {
    let upstream = route.upstream
    upstream.begin()
    defer {
      endLease(at: upstream)
      endRetry(at: upstream)
      if !turn.cookieLine.isEmpty { turn.cookieLine = [] }
      upstream.end()
    }
    var search = ServerSearch()
    prepare(&search, for: upstream)
    let preamble = proxyHeader(for: upstream)
    while true {
      if let refusal = await takeServer(from: upstream, route, search) {
        return await answer(refusal, search)
      }
      guard let server = turn.lease?.server else { return .close }
      let outcome: ServerOutcome
      if let secure = server.secure {
        outcome = await attemptSecurely(with: server, secure, search, route, target, preamble)
      } else {
        outcome = await attempt(with: server, search, route, target, preamble)
      }
      switch outcome {
      case .unreachable(let error):
        // Nothing was sent, so any method may be tried elsewhere.
        search.connectError = error
        guard mayTryAgain(&search, after: server, at: route, wasReceived: false) else {
          return await answer(error.answer(keepAlive: mayPersist))
        }
        search.wantsAnother = true
      case .attempted(.done(let disposition), _):
        Log.debug("\(summary): \(response.status) from \(upstream.name)")
        return disposition
      case .attempted(.failed(let failure), let wasReused):
        note(failure, of: upstream, wasReused: wasReused)
        guard mayRetry(after: failure, wasReused),
          mayTryAgain(&search, after: server, at: route, wasKept: wasReused)
        else {
          return await answer(failure, from: upstream)
        }
        search.wantsAnother = false
        // A fresh connection: others that were kept as long may be dead as well.
        search.mayReuse = false
      }
    }
  }

  @inline(__always)
  private func attempt(
    with server: UpstreamServer, _ search: borrowing ServerSearch, _ route: RoutePlan,
    _ target: ForwardTarget, _ preamble: [UInt8]
  ) async -> ServerOutcome {
    let connection: ServerConnection<TCPStream>
    if search.mayReuse, let idle = server.pool.takeIdle(begunWith: preamble) {
      connection = idle
    } else {
      do throws(ConnectError) {
        connection = try await route.upstream.connect(
          to: server, route.options, beginningWith: preamble, more: true)
      } catch {
        return .unreachable(error)
      }
    }
    let wasReused = connection.isReused
    return .attempted(
      await attempt(with: connection, from: server.pool, route, target), wasReused: wasReused)
  }

  private func attemptSecurely(
    with server: UpstreamServer, _ secure: SecureServer, _ search: borrowing ServerSearch,
    _ route: RoutePlan, _ target: ForwardTarget, _ preamble: [UInt8]
  ) async -> ServerOutcome {
    guard let security = route.upstream.security else { return .unreachable(.noAddress) }
    let name = serverName(at: server, route, security)
    let connection: ServerConnection<TLSStream>
    if search.mayReuse, let idle = secure.pool.takeIdle(for: name.bytes, begunWith: preamble) {
      connection = idle
    } else {
      do throws(ConnectError) {
        connection = try await route.upstream.connect(
          to: server, as: name, route.options, security, beginningWith: preamble, worker.buffers)
      } catch {
        return .unreachable(error)
      }
    }
    let wasReused = connection.isReused
    let session = connection.stream.session
    let outcome = await attempt(with: connection, from: secure.pool, route, target)
    // A reload may have changed meanwhile what servers must prove.
    if security == route.upstream.security { secure.keepTicket(of: session, for: name.bytes) }
    return .attempted(outcome, wasReused: wasReused)
  }

  /// Counts another try, if there may be one.
  func mayTryAgain(
    _ search: inout ServerSearch, after server: UpstreamServer, at route: RoutePlan,
    wasReceived: Bool = true, wasKept: Bool = false
  ) -> Bool {
    let upstream = route.upstream
    endRetry(at: upstream)
    guard search.retries < route.options.retries,
      upstream.budget.takeRetry(at: reactor.now.milliseconds, wasReceived: wasReceived && !wasKept)
    else { return false }
    turn.isRetry = true
    search.retries += 1
    // The server is not to blame for a kept connection that it closed: what is bound to it stays.
    let isBound = search.key != nil || search.pinned === server
    if !wasKept || !isBound { search.tried.append(server) }
    endLease(at: upstream)
    return true
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

  /// RFC 9110 9.2.2 and RFC 9112 9.3.1: only a request that was lost on a kept connection or by a
  /// reset, that the server may safely get twice, and that can still be sent a second time. Of
  /// which not a byte has left may be any method.
  private func mayRetry(after failure: AttemptFailure, _ wasReused: Bool) -> Bool {
    guard case .serverGone(let wasReset) = failure, canReplay else { return false }
    return upload.output.written == 0 || (wasReused || wasReset) && request.method.isIdempotent
  }

  /// Answers a request that got no server.
  private func answer(_ refusal: ServerRefusal, _ search: ServerSearch) async -> Disposition {
    if case .clientGone = refusal { return .cut }
    if case .unavailable = refusal, let error = search.connectError {
      return await answer(error.answer(keepAlive: mayPersist))
    }
    return await answer(refusal.answer(keepAlive: mayPersist))
  }

  /// Answers a failed attempt.
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
