// The options of each level as concrete values. The initial values here are the built-in defaults,
// and the only place where they stand: the documentation is made from them (OptionSchema). Those of
// upstreams are in UpstreamConfiguration.
import Routing

/// How a request and its response are treated: route, site, defaults.
package struct RouteOptions: Sendable, Equatable {
  package var connectTimeoutMilliseconds = 3000
  package var responseTimeoutMilliseconds = 60_000
  package var readTimeoutMilliseconds = 60_000
  package var writeTimeoutMilliseconds = 60_000
  package var bodyTimeoutMilliseconds = 30_000
  /// Bytes per second, watched after the first 10 seconds of a request body; 0 turns it off.
  package var minBodyRate = 240
  package var tunnelTimeoutMilliseconds = 3_600_000
  /// Bytes of a request body; nil for no limit.
  package var maxBody: Int?
  /// Bytes of a response that may wait for a slow client before its server is paused.
  package var buffering = 262_144
  /// How often a request may be tried again on top of the first try.
  package var retries = 2
  package var host = HostPolicy.client
  /// The pseudonym to add to `Via` with; nil adds none.
  package var via: String?
  /// Whether RFC 7239 `Forwarded` is set.
  package var forwarded = false
  /// Whether `X-Forwarded-For`, `-Proto`, `-Host` and `X-Real-IP` are set.
  package var forwardedFields = true
  /// Whether `X-Request-ID` is set.
  package var requestID = true
  /// Whether request fields with `_` or `.` in their names are forwarded rather than dropped.
  package var underscoresInFields = false
  /// A prefix that is taken off the path on its way to the server; empty for none.
  /// It begins with "/" and does not end with one, so that what is left begins with one or is empty.
  package var stripPrefix: [UInt8] = []
  /// Whether `stripPrefix` is to become the route's own path; false once that is done.
  var stripsOwnPrefix = false
  package var requestFields = FieldChanges()
  package var responseFields = FieldChanges()
  /// Answers in place of rsp's own error answers, by status.
  package var errorPages: [Int: Shared<FixedResponse>] = [:]
  /// Lua instructions that a function may execute for one request.
  package var luaBudget = 1_000_000
  /// Whether a request that came without TLS is sent to the same URL with https.
  package var redirectsToHTTPS = false
  /// The value of Strict-Transport-Security (RFC 6797) in answers over TLS; nil sends none.
  package var strictTransportSecurity: String?

  package init() {}
}

/// What the `Host` field says that a server gets.
package enum HostPolicy: Sendable, Equatable {
  /// What the client sent.
  case client
  /// The server's own address as it is written in the configuration.
  case server
  /// Always this.
  case fixed(String)
}

/// How connections of clients are treated: listener, defaults.
package struct ListenerOptions: Sendable, Equatable {
  package var headTimeoutMilliseconds = 10_000
  package var keepaliveTimeoutMilliseconds = 75_000
  /// Requests a connection may make.
  package var keepaliveRequests = 10_000
  package var keepaliveTimeMilliseconds = 3_600_000
  /// Bytes of a request head.
  package var maxHead = 32_768
  /// Bytes of the request line, and of each field line.
  package var maxLine = 8192
  package var maxFields = 100
  /// Connections the kernel may hold until they are accepted.
  package var backlog = 4096
  /// Proxies whose word about the client is believed.
  package var trusted = CIDRSet()
  /// Present where TLS is spoken.
  package var tls: ListenerTLS?
  /// Peers whose connections must begin with a PROXY header; nil expects none from anybody.
  package var proxyProtocol: CIDRSet?
  /// What is said of TLS and of the service, until the rest of the configuration is known.
  var asked = AskedOfListener()

  package init() {}
}

/// What a listener asks for before it is known whether and how that can be. Back at its initial
/// value in a finished configuration.
struct AskedOfListener: Sendable, Equatable {
  /// nil where nothing is said of them.
  var certificates: [CertificateSource]?
  /// nil where the certificates decide.
  var tls: Bool?
  /// The other options of TLS, be it spoken or not.
  var settings = ListenerTLS()
  /// The upstream or address that bytes are passed on to.
  var tcp: String?

  var speaksTLS: Bool { tls ?? (certificates != nil) }
}

/// What only sites say.
struct SiteOptions: Sendable, Equatable {
  /// The upstream or address that TLS connections are passed on to.
  var passthrough: String?
}

/// What concerns the process as a whole: defaults only.
package struct ProcessOptions: Sendable, Equatable {
  package var drainTimeoutMilliseconds = 30_000
  package var logLevel = LogLevel.info
  /// Client connections at a time; nil for what the descriptor limit allows.
  package var maxConnections: Int?
  /// The path of the control socket; nil for the default place, empty for none.
  package var controlSocket: String?
  /// The DNS servers to ask, `address:port` separated by commas; nil for those of /etc/resolv.conf.
  package var resolver: String?
  /// The user, and after a colon the group, to become once everything is open; nil stays.
  package var user: String?
  package var acme = ACMEOptions()

  package init() {}
}

/// From which level on lines are logged.
package enum LogLevel: Int, Sendable, CaseIterable, Comparable {
  case debug, info, warning, error

  /// As the configuration writes it.
  package var name: String { String(describing: self) }

  package init?(name: String) {
    guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = level
  }

  package static func < (left: LogLevel, right: LogLevel) -> Bool {
    left.rawValue < right.rawValue
  }
}
