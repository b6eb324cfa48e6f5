// A group of servers as one worker uses it: choosing a server, connecting to it, and what a failure
// means for the client.
import Configuration
import HTTP
import IO
import Telemetry

/// A group of servers; in this version one server, which may have several addresses.
final class UpstreamPlan {
  let name: String
  /// How a Host field names it when the client named none.
  let authority: String
  let pool: ServerPool<TCPStream>
  private let address: ServerAddress
  private let reactor: Reactor
  private let resolver: Resolver
  /// Requests that are with this upstream, and retries among them.
  private(set) var inFlight = 0
  private var retriesInFlight = 0
  private var limiter = LogLimiter(milliseconds: 1000)

  init(_ configuration: UpstreamConfiguration, _ reactor: Reactor, _ resolver: Resolver) {
    name = configuration.name
    // The configuration refuses an upstream without a server.
    address = configuration.servers.first?.address ?? .unix(path: "")
    pool = ServerPool(configuration.options, on: reactor)
    self.reactor = reactor
    self.resolver = resolver
    authority =
      switch address {
      case .unix: "localhost"
      case .ip, .name, .service: address.authority
      }
  }

  /// A request begins to use the upstream.
  func begin() { inFlight += 1 }

  /// It has ended.
  func end(wasRetried: Bool) {
    inFlight -= 1
    if wasRetried { retriesInFlight -= 1 }
  }

  /// Asks to try a request again. Retries stay below a fifth of the requests in flight, or 3, so
  /// that a server in trouble is not buried by them (behaviour 41).
  func admitRetry(isFirst: Bool) -> Bool {
    if !isFirst { return true }
    guard retriesInFlight < max(3, inFlight / 5) else { return false }
    retriesInFlight += 1
    return true
  }

  /// Opens a connection: every address of the server is tried in order.
  func connect(_ options: RouteOptions) async throws(ConnectError) -> ServerConnection<TCPStream> {
    let patience = Int64(options.connectTimeoutMilliseconds)
    var failure = ConnectError.noAddress
    for address in try await addresses(until: reactor.now.advanced(by: patience)) {
      do {
        let deadline = reactor.now.advanced(by: patience)
        return try ServerConnection(
          await TCPStream.connect(to: address, on: reactor, until: deadline))
      } catch {
        note("cannot connect to \(address): \(error.words)", at: reactor.now)
        failure = error
      }
    }
    throw failure
  }

  private func addresses(until deadline: Moment) async throws(ConnectError) -> [SocketAddress] {
    switch address {
    case .unix(let path): return [.unix(path)]
    case .service: return []
    case .ip(let host, let port):
      return SocketAddress(numeric: host, port: port).map { [$0] } ?? []
    case .name(let host, let port):
      if let known = resolver.cached(host, port: port, at: reactor.now) { return known }
      do {
        return try await resolver.addresses(of: host, port: port, until: deadline)
      } catch {
        note("cannot resolve \(host): \(error)", at: reactor.now)
        throw .noAddress
      }
    }
  }

  /// The answer to a client when no connection could be had.
  func answer(to error: ConnectError, keepAlive: Bool) -> ErrorAnswer {
    switch error {
    case .noAddress:
      ErrorAnswer(.serviceUnavailable, "no server is available", keepAlive: keepAlive)
    case .failed:
      ErrorAnswer(.badGateway, "the server cannot be reached", keepAlive: keepAlive)
    case .timedOut:
      ErrorAnswer(.gatewayTimeout, "the server did not answer in time", keepAlive: keepAlive)
    }
  }

  /// Logs a trouble with this upstream, at most one line a second.
  func note(_ trouble: @autoclosure () -> String, at now: Moment) {
    guard let suppressed = limiter.admit(at: now) else { return }
    Log.warning("upstream \"\(name)\": \(trouble())\(LogLimiter.note(suppressed))")
  }
}

extension ConnectError {
  /// What happened, for the log.
  var words: String {
    switch self {
    case .noAddress: "no address"
    case .failed(let error): error.description
    case .timedOut: "timed out"
    }
  }
}
