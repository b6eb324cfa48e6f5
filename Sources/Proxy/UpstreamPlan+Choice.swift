// Choosing a server for a request, and learning from what became of it.
import Balancing
import Bytes
import CLinux
import Configuration
import Glibc
import HTTP
import IO
import TLS
import Telemetry

/// What a request looks for in its upstream. One request's; few have one.
final class ServerSearch {
  /// Where it has been.
  var tried: [UpstreamServer] = []
  /// What `hash` hashes.
  var key: UInt64?
  /// The server of the client's session.
  var pinned: UpstreamServer?
  /// The cookie that names it is to be given anew.
  var renewsCookie = false
  /// A server that could not be reached is not asked again at once: only others are worth a try.
  var wantsAnother = false
  /// Kept connections may be used: none was found dead yet.
  var mayReuse = true
  /// Why the last server was not reached.
  var connectError: ConnectError?
  /// Tries on top of the first.
  var retries = 0
}

/// What came of choosing.
enum ServerChoice {
  case server(Lease)
  /// There are servers, all with as many requests as they may have.
  case full
  /// There is none to be used.
  case unavailable
}

extension UpstreamPlan {
  /// A client's request has come.
  func begin() { budget.requestBegan(at: context.now) }

  /// It has been answered.
  func end() { budget.requestEnded() }

  /// Chooses a server, where the request then is until `end(_:)`.
  func choose(_ search: ServerSearch? = nil) -> ServerChoice {
    // One server without a limit, as most upstreams are: there is nothing to choose.
    if servers.count == 1, line == nil, search == nil, balancer.beginOnly(at: context.now) {
      let server = servers[0]
      server.requests += 1
      return .server(Lease(server: server, place: nil))
    }
    return chooseAmongAll(search)
  }

  @inline(never)
  private func chooseAmongAll(_ search: ServerSearch?) -> ServerChoice {
    var tried = TriedServers()
    for server in search?.tried ?? [] where server.index >= 0 { tried.insert(server.index) }
    let pinned = search?.pinned.flatMap { $0.index < 0 ? nil : $0.index }
    // Another worker may take the place that was free; then the next look knows of it.
    for _ in 0..<4 {
      if line != nil { lookElsewhere() }
      switch balancer.pick(at: context.now, avoiding: tried, key: search?.key, pinned: pinned) {
      case .full: return .full
      case .unavailable: return .unavailable
      case .server(let index):
        let server = servers[index]
        if let search, search.wantsAnother, tried.contains(index) { return .unavailable }
        guard let places = server.places else { return .server(begin(server, nil)) }
        if places.take(limit: server.member.maxConnections ?? .max) {
          return .server(begin(server, places))
        }
      }
    }
    return .full
  }

  /// Counts a request at a server.
  func begin(_ server: UpstreamServer, _ place: Places?) -> Lease {
    server.requests += 1
    if server.index >= 0 { balancer.begin(server.index) }
    return Lease(server: server, place: place)
  }

  /// The server has done with the request.
  func end(_ lease: Lease) {
    if lease.server.index >= 0 { balancer.end(lease.server.index) }
    if let place = lease.place { free(place, at: lease.server) }
  }

  /// Tells the balancer of the other workers' requests with servers that have a limit.
  private func lookElsewhere() {
    for server in servers {
      guard let places = server.places else { continue }
      let own = Int(balancer.servers[server.index].inFlight)
      balancer.setElsewhere(places.count - own, of: server.index)
    }
  }

  // MARK: Outcomes

  /// A server has answered, or has failed to.
  ///
  /// - Parameter latency: microseconds until its response's head came, or until it was given up.
  func note(_ outcome: Outcome, of server: UpstreamServer, latency: Int64?) {
    if case .answered = outcome {} else { server.failures += 1 }
    guard server.index >= 0 else { return }
    let wasOnProbation = if case .failed = outcome { isOnProbation(server) } else { false }
    let change = balancer.note(outcome, latency: latency, of: server.index, at: context.now)
    if case .none = change { return }
    tell(change, of: server, wasOnProbation: wasOnProbation)
  }

  @inline(never)
  private func tell(_ change: HealthChange, of server: UpstreamServer, wasOnProbation: Bool) {
    switch change {
    case .none: return
    case .readmitted:
      logHealth(server, "is back")
      wakeAll()
    case .ejected(let milliseconds):
      let reason =
        wasOnProbation
        ? "it failed again"
        : balancer.servers[server.index].health.wasEjectedForErrors
          ? "too many errors" : "\(balancer.policy.failuresInRow) failures in a row"
      logHealth(server, "is out for \(milliseconds / 1000) s: \(reason)")
    }
  }

  /// The checks of the process have found something.
  func note(_ event: ActiveHealth.Event, of identity: UInt64) {
    guard let index = balancer.index(of: identity) else { return }
    _ = balancer.note(event, of: index, at: context.now)
    if event == .fell { servers[index].closeIdle() }
    wakeAll()
  }

  @inline(never)
  private func isOnProbation(_ server: UpstreamServer) -> Bool {
    balancer.servers[server.index].health.availability(at: context.now) == .onProbation
  }

  private func logHealth(_ server: UpstreamServer, _ words: @autoclosure () -> String) {
    guard let suppressed = healthLimiter.admit(at: reactor.now) else { return }
    let what = "server \(server.member.address) \(words())\(LogLimiter.note(suppressed))"
    Log.warning("upstream \"\(name)\": \(what)")
  }

  // MARK: Connecting

  /// Opens a connection to a server.
  ///
  /// - Parameters:
  ///   - preamble: a PROXY header, which is sent before anything else.
  ///   - more: something will follow it at once.
  func connect(
    to server: UpstreamServer, _ options: RouteOptions, beginningWith preamble: [UInt8] = [],
    more: Bool = false
  ) async throws(ConnectError) -> ServerConnection<TCPStream> {
    let began = reactor.now
    do {
      let deadline = began.advanced(by: Int64(options.connectTimeoutMilliseconds))
      var stream = try await TCPStream.connect(
        to: server.member.address, on: reactor, until: deadline)
      if !preamble.isEmpty { try stream.begin(with: preamble, more: more) }
      return ServerConnection(stream, begunWith: preamble)
    } catch {
      noteUnreachable(server, error, since: began)
      throw error
    }
  }

  /// Opens a connection to a server that has to prove a name.
  func connect(
    to server: UpstreamServer, as name: ServerName, _ options: RouteOptions,
    _ security: ServerSecurity, beginningWith preamble: [UInt8] = [], _ buffers: BufferPool
  ) async throws(ConnectError) -> ServerConnection<TLSStream> {
    let began = reactor.now
    do throws(ConnectError) {
      let patience = Int64(options.connectTimeoutMilliseconds)
      var socket = try await TCPStream.connect(
        to: server.member.address, on: reactor, until: began.advanced(by: patience))
      if !preamble.isEmpty { try socket.begin(with: preamble, more: true) }
      do throws(TLSFailure) {
        let stream = try await security.connect(
          socket, to: name.text, resuming: server.secure?.ticket(for: name.bytes), on: reactor,
          buffers, until: began.advanced(by: patience + Self.handshakePatience))
        return ServerConnection(stream, for: name.bytes, begunWith: preamble)
      } catch {
        throw .insecure(error)
      }
    } catch {
      if case .insecure(.refused(let reason)) = error, name.isOfClient {
        // Whoever sends any Host could put servers out otherwise.
        note(
          "\(server.member.address) is not \"\(name.text.prefix(100))\": \(reason)",
          at: reactor.now)
      } else {
        noteUnreachable(server, error, since: began)
      }
      throw error
    }
  }

  /// How much longer connecting may take with TLS, in milliseconds.
  private static var handshakePatience: Int64 { 2000 }

  private func noteUnreachable(
    _ server: UpstreamServer, _ error: ConnectError, since began: Moment
  ) {
    note("cannot connect to \(server.member.address): \(error.words)", at: reactor.now)
    if case .failed(let error) = error, error.isOurs { return }
    // A refusal is quick, which must not make the server attractive.
    let waited = reactor.now.milliseconds - began.milliseconds
    note(.failed, of: server, latency: waited > 100 ? waited * 1000 : nil)
  }
}

extension SystemError {
  /// Whether a failed connect says something of this machine rather than of the server.
  fileprivate var isOurs: Bool { isExhaustion || code == EADDRNOTAVAIL }
}

extension Algorithm {
  /// Whether it asks how long servers take. Others take a sample, to tell the operator.
  var needsLatency: Bool { if case .leastLatency = self { true } else { false } }
}
