// A server as requests are sent to it, and what is known of it: the words in which workers and the
// supervisor talk about servers.
import Balancing
import IO

/// One server of an upstream at one address. What the configuration names by a name may be several.
package struct Member: Sendable, Hashable {
  /// The server in the words of the configuration: `app.internal:8080`, `10.0.0.1:80`.
  package var name: String
  package var address: SocketAddress
  /// Whether it is spoken to by TLS.
  package var isTLS: Bool
  package var weight: Int
  package var isBackup: Bool
  /// Over all workers; nil for no limit.
  package var maxConnections: Int?

  package init(
    name: String, address: SocketAddress, isTLS: Bool = false, weight: Int = 1,
    isBackup: Bool = false, maxConnections: Int? = nil
  ) {
    self.name = name
    self.address = address
    self.isTLS = isTLS
    self.weight = weight
    self.isBackup = isBackup
    self.maxConnections = maxConnections
  }

  /// The same for the same server in every worker, after every reload and restart: made of its name
  /// and its address, which is what health, sticky cookies and hashed keys hold on to.
  package var identity: UInt64 { HashKey.of("\(name) \(address)\(isTLS ? " TLS" : "")") }
}

/// What one worker knows of an upstream. Counts are this worker's own; the supervisor adds them up.
package struct UpstreamStatus: Sendable, Equatable {
  package struct Server: Sendable, Equatable {
    package var member: Member
    package var state: Availability
    package var administrative: Administrative
    package var isPassingChecks: Bool
    package var inFlight: Int
    package var idleConnections: Int
    /// Requests sent to it, and those of them that failed or were answered with a 5xx, since the
    /// worker first knew it.
    package var requests: Int
    package var failures: Int
    /// Recent latency in microseconds; 0 when nothing is known.
    package var latencyMicroseconds: Int

    package init(
      member: Member, state: Availability, administrative: Administrative, isPassingChecks: Bool,
      inFlight: Int, idleConnections: Int, requests: Int, failures: Int, latencyMicroseconds: Int
    ) {
      self.member = member
      self.state = state
      self.administrative = administrative
      self.isPassingChecks = isPassingChecks
      self.inFlight = inFlight
      self.idleConnections = idleConnections
      self.requests = requests
      self.failures = failures
      self.latencyMicroseconds = latencyMicroseconds
    }
  }

  package var name: String
  package var algorithm: Algorithm
  package var servers: [Server]
  /// Requests that wait for a server to have room.
  package var queued: Int

  package init(name: String, algorithm: Algorithm, servers: [Server], queued: Int) {
    self.name = name
    self.algorithm = algorithm
    self.servers = servers
    self.queued = queued
  }
}
