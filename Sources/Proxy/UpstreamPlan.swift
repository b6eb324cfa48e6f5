// A group of servers as one worker uses it. What is done with it is in its aspects: its members
// (+Members), the choice among them (+Choice), the line in front of full ones (+Line).
import Balancing
import Configuration
import HTTP
import IO
import TLS
import Telemetry

/// A group of servers. Worker-confined. There is one for a name as long as the worker's plans have
/// that name: a reload changes it in place, so requests that began before go on counting in it.
final class UpstreamPlan {
  let name: String
  var configuration: UpstreamConfiguration
  let context: UpstreamContext
  /// The servers, in the order of the balancer's.
  var servers: [UpstreamServer] = []
  var balancer: Balancer
  var budget = RetryBudget()
  /// Cookies of sessions; nil where there are none.
  var sticky: StickyCookies?
  /// Where requests wait for places; nil where no server has a limit.
  var line: WaitingLine?
  /// Requests of this worker that wait for a server, by their tickets.
  var waiters: [UInt64: Waiter] = [:]
  /// Requests that wait for a name's first answer.
  var nameWaiters: [Waiter] = []
  /// Whether it has names of which nobody has heard anything yet: it is worth waiting for them.
  var awaitsNames = false
  /// What the operator said, by server or address.
  var wishes: [String: Administrative] = [:]
  /// Present where servers are spoken to by TLS.
  private(set) var security: ServerSecurity?
  /// What the next plan says, until that is in force.
  private var next: UpstreamConfiguration?
  private var nextSecurity: ServerSecurity?
  private var limiter = LogLimiter(milliseconds: 1000)
  var healthLimiter = LogLimiter(milliseconds: 100)

  private init(_ configuration: UpstreamConfiguration, _ context: UpstreamContext) {
    name = configuration.name
    self.configuration = configuration
    self.context = context
    balancer = Balancer(configuration.options.balance, servers: [], seed: 0)
  }

  /// The upstream of a new plan: the old plan's, if there is one of that name, else a new one.
  /// Nothing changes for the old plan until `takeEffect`.
  static func make(
    _ configuration: UpstreamConfiguration, in context: UpstreamContext,
    security: ServerSecurity? = nil, adopting old: UpstreamPlan? = nil
  ) -> UpstreamPlan {
    if let old {
      old.next = old.configuration == configuration ? nil : configuration
      old.nextSecurity = security
      return old
    }
    let new = UpstreamPlan(configuration, context)
    new.nextSecurity = security
    new.security = security
    new.configure()
    return new
  }

  /// The plan that this was made for is in force now.
  func takeEffect() {
    if security != nextSecurity {
      security = nextSecurity
      for server in servers { server.secure?.forget() }
    }
    guard let next else { return }
    self.next = nil
    configuration = next
    configure()
  }

  var reactor: Reactor { context.reactor }
  var options: UpstreamOptions { configuration.options }

  /// The longest name that a server may have in a Host field.
  var authority: String {
    let names = configuration.servers.lazy.map(\.address.authority)
    return names.max { $0.utf8.count < $1.utf8.count } ?? ""
  }

  // MARK: Trouble

  /// Logs a trouble with this upstream, at most one line a second.
  func note(_ trouble: @autoclosure () -> String, at now: Moment) {
    guard let suppressed = limiter.admit(at: now) else { return }
    Log.warning("upstream \"\(name)\": \(trouble())\(LogLimiter.note(suppressed))")
  }
}

extension ConnectError {
  /// The answer to a client when no connection could be had.
  func answer(keepAlive: Bool) -> ErrorAnswer {
    switch self {
    case .noAddress:
      ErrorAnswer(
        .serviceUnavailable, "no server is available", keepAlive: keepAlive, retryAfter: 5)
    case .failed:
      ErrorAnswer(.badGateway, "the server cannot be reached", keepAlive: keepAlive)
    case .insecure(.timedOut):
      ErrorAnswer(.gatewayTimeout, "the server did not answer in time", keepAlive: keepAlive)
    case .insecure:
      ErrorAnswer(.badGateway, "the server cannot be reached", keepAlive: keepAlive)
    case .timedOut:
      ErrorAnswer(.gatewayTimeout, "the server did not answer in time", keepAlive: keepAlive)
    }
  }

  /// What happened, for the log.
  var words: String {
    switch self {
    case .noAddress: "no address"
    case .failed(let error): error.description
    case .timedOut: "timed out"
    case .insecure(let failure): "TLS: \(failure)"
    }
  }
}
