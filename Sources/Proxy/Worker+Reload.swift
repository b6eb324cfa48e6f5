// How a worker takes over a configuration, the first as well as each later one: it builds a plan beside
// the one in force (prepare), and when every worker has, puts it in its place (commit).
import Configuration
import IO

/// A listener that a worker is to have.
package struct ListenerHandover: Sendable {
  package var address: ListenAddress
  package var options: ListenerOptions
  /// Open listening sockets, which the worker takes over; none for a listener that it has already.
  package var sockets: [Int32]
  /// The other workers listen on the same sockets.
  package var isShared: Bool
  /// Somebody outside holds the sockets and goes on when we do not (systemd): what waits in their
  /// queues is theirs.
  package var isBorrowed: Bool
  /// Nil where no TLS is terminated.
  package var security: ListenerSecurity?

  package init(
    address: ListenAddress, options: ListenerOptions, sockets: [Int32] = [], isShared: Bool = false,
    isBorrowed: Bool = false
  ) {
    self.address = address
    self.options = options
    self.sockets = sockets
    self.isShared = isShared
    self.isBorrowed = isBorrowed
  }
}

/// What a worker is told beside the plan, when it takes over a configuration.
package struct Commitment: Sendable {
  /// All listeners of the configuration; a worker ends those that are not among them.
  package var listeners: [ListenerHandover]
  /// How many clients may be connected to the worker.
  package var maxConnections: Int
  /// How long tunnels may go on whose route is no more.
  package var tunnelTime: Int64
  /// The members of upstreams as the DNS is known to have them.
  package var members: [String: [Member]]

  package init(
    listeners: [ListenerHandover], maxConnections: Int, tunnelTime: Int64,
    members: [String: [Member]] = [:]
  ) {
    self.listeners = listeners
    self.maxConnections = maxConnections
    self.tunnelTime = tunnelTime
    self.members = members
  }
}

/// Why a worker cannot work by a configuration that is in order as such.
package struct PlanError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One or more messages ready to be shown.
  package var messages: [String]

  package init(messages: [String]) { self.messages = messages }

  package var description: String { messages.joined(separator: "\n") }
}

extension Worker {
  /// Builds the plan of a configuration around its tables. Nothing changes until `commit`; another
  /// `prepare` replaces what was prepared, and `abandon` drops it.
  package func prepare(
    _ configuration: Configuration, _ tables: sending PlanTables,
    _ securities: [String: ServerSecurity] = [:]
  ) throws(PlanError) {
    guard state.listeners.hasRoom(for: configuration.listeners.map(\.address)) else {
      throw PlanError(messages: [
        "there can be at most \(ListenerTable.most) listeners, those included that are still closing"
      ])
    }
    state.prepared = Plan(
      configuration, tables, state.upstreamContext, securities, adopting: state.plan)
  }

  /// Drops what was prepared.
  package func abandon() { state.prepared = nil }

  /// Works by the prepared plan from now on. Exchanges that run go on by the old one.
  package func commit(_ commitment: Commitment) {
    guard let plan = state.prepared else { return }
    plan.takeEffect(after: state.plan)
    state.plan = plan
    state.prepared = nil
    state.maxConnections = commitment.maxConnections
    for (upstream, members) in commitment.members { setMembers(members, of: upstream) }
    listen(commitment.listeners)
    state.endTunnels(leaving: plan, in: commitment.tunnelTime)
  }

  /// How many clients are connected.
  package func connectionCount() -> Int { state.connections }

  private func listen(_ handovers: [ListenerHandover]) {
    let wanted = Set(handovers.map(\.address))
    for listener in state.listeners.all
    where !listener.isClosing && !wanted.contains(listener.address) {
      state.end(listener, .firstRequests)
    }
    for handover in handovers {
      let known = state.listeners.open(at: handover.address)
      guard let listener = known ?? state.listeners.add(handover.address, handover.options) else {
        // `prepare` has made sure that there is room.
        for fd in handover.sockets { _ = Descriptor(adopting: fd) }
        continue
      }
      listener.options = handover.options
      listener.security = handover.security
      listener.isPlain =
        handover.options.tls == nil && handover.options.proxyProtocol == nil
        && state.plan.service(at: handover.address) == nil
      for fd in handover.sockets {
        listener.sockets.insert(fd)
        Task.immediate {
          await self.accept(on: fd, of: handover, for: listener)
        }
      }
    }
  }
}

extension Worker {
  /// Says what would become of a request, and how the upstreams are at a start, without any worker.
  package static func explain(
    _ request: ExplainedRequest, by configuration: Configuration
  ) -> (Explanation, [UpstreamStatus]) {
    let state = WorkerState(configuration, EventLoop())
    let explanation = state.plan.explain(request, state.matcher, state.buffers)
    return (explanation, state.plan.upstreams.map(\.status))
  }
}

extension Configuration {
  /// What a worker has before it is told anything.
  static let empty = Configuration(listeners: [], upstreams: [], sites: [])
}
