// Groups of servers as the configuration describes them.
import Balancing
import Routing

/// A named group of servers.
package struct UpstreamConfiguration: Sendable, Equatable {
  /// The name given by `upstream`, or the address given to `proxy`.
  package var name: String
  /// At least one.
  package var servers: [ServerConfiguration]
  package var options: UpstreamOptions

  package init(
    name: String, servers: [ServerConfiguration], options: UpstreamOptions = UpstreamOptions()
  ) {
    self.name = name
    self.servers = servers
    self.options = options
  }
}

/// A member of an upstream; by a name it stands for as many servers as the DNS has addresses.
package struct ServerConfiguration: Sendable, Equatable {
  package var address: ServerAddress
  /// Whether its address was written with `https://`.
  package var isTLS: Bool
  /// Its share of the requests beside the others'; 1 to 256.
  package var weight: Int
  /// Whether it serves only when all others are out.
  package var isBackup: Bool
  /// Requests it may have at a time, over all workers; nil for no limit.
  package var maxConnections: Int?

  package init(
    address: ServerAddress, isTLS: Bool = false, weight: Int = 1, isBackup: Bool = false,
    maxConnections: Int? = nil
  ) {
    self.address = address
    self.isTLS = isTLS
    self.weight = weight
    self.isBackup = isBackup
    self.maxConnections = maxConnections
  }
}

/// How connections to an upstream's servers are kept and requests spread over them: upstream,
/// defaults.
package struct UpstreamOptions: Sendable, Equatable {
  /// Idle connections kept per server and worker; 0 keeps none.
  package var maxIdle = 64
  package var idleTimeoutMilliseconds = 30_000
  package var balance = Algorithm.p2c
  /// What `balance = "hash"` hashes; nil hashes the client's address.
  package var hashKey: FieldTemplate?
  /// Present when `balance` is `sticky`.
  package var sticky: StickyOptions?
  /// Active checks; nil makes none.
  package var healthCheck: HealthCheckOptions?
  /// Passive ejection, circuit breaker and slow start.
  package var health = HealthPolicy()
  /// For each server that does not say otherwise; nil for no limit.
  package var maxConnections: Int?
  /// Requests that may wait, over all workers, while every server has `max_connections`.
  package var queue = 1024
  package var queueTimeoutMilliseconds = 10_000
  /// For those servers that are spoken to by TLS.
  package var tls = ServerTLS()
  /// The header that connections to its servers begin with; nil for none.
  package var proxyProtocol: ProxyProtocolVersion?

  package init() {}
}

/// The cookie that brings a client back to its server.
package struct StickyOptions: Sendable, Equatable {
  package var cookie = "rsp_server"
  /// What cookies are signed with; the first signs, all are accepted. Empty: a key of the process,
  /// made at its start, which survives reloads and is handed on at a binary upgrade.
  package var secrets: [String] = []
  /// Seconds a browser keeps it; nil for its session.
  package var maxAgeSeconds: Int?
  package var isSecure = false

  package init() {}
}

/// Active checks of an upstream's servers.
package struct HealthCheckOptions: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    /// A connection that is accepted is enough.
    case tcp
    case http(HTTPCheck)
  }
  package var kind = Kind.http(HTTPCheck())
  /// Interval, jitter, timeout, rise and fall.
  package var policy = CheckPolicy()
  /// Another port than the one requests go to.
  package var port: UInt16?

  package init() {}
}

/// What is asked of a server, and which answer is a good one.
package struct HTTPCheck: Sendable, Equatable {
  package var method = "GET"
  package var path = "/"
  /// The Host that is sent; nil sends the server's address.
  package var host: String?
  /// Status codes that pass; by default 200 to 399.
  package var expectedStatus: [ClosedRange<Int>] = [200...399]
  /// What the first 64 KiB of the body must hold; nil looks at no body.
  package var bodyPattern: BodyPattern?

  package init() {}
}

/// A regular expression for bodies, compared by its text.
package struct BodyPattern: Sendable, Equatable {
  package let expression: RegularExpression

  package init(_ expression: RegularExpression) { self.expression = expression }

  package static func == (left: BodyPattern, right: BodyPattern) -> Bool {
    left.expression.pattern == right.expression.pattern
  }
}
