// The one table of options. It drives the checks, the cascade, the reference in
// docs/configuration.md and the editor stub docs/rsp.d.lua.
import Balancing

/// All options, by the level whose behaviour they set. Bounds are in milliseconds, bytes or counts.
package enum OptionSchema {
  private static let routeContexts: [OptionContext] = [.route, .site, .defaults]
  private static let tunnelContexts: [OptionContext] = [.route, .site, .listener, .defaults]
  static let timeout = 1...86_400_000
  private static let longTimeout = 1...2_592_000_000

  static let route: [OptionRule<RouteOptions>] = [
    OptionRule(
      name: "connect_timeout", kind: .duration(\.connectTimeoutMilliseconds, timeout),
      contexts: tunnelContexts,
      summary: "How long a connection to a server may take to be made; on a listener, where `tcp` "
        + "stands beside it.",
      example: "\"5s\""),
    OptionRule(
      name: "response_timeout", kind: .duration(\.responseTimeoutMilliseconds, timeout),
      contexts: routeContexts,
      summary: "How long a server may take, after the request, until the head of its response.",
      example: "\"2m\""),
    OptionRule(
      name: "read_timeout", kind: .duration(\.readTimeoutMilliseconds, timeout),
      contexts: routeContexts,
      summary: "The longest pause between two reads of a response body; event streams and tunnels "
        + "are exempt.",
      example: "\"5m\""),
    OptionRule(
      name: "write_timeout", kind: .duration(\.writeTimeoutMilliseconds, timeout),
      contexts: routeContexts,
      summary: "How long a client or a server may take no byte of what is being sent to it.",
      example: "\"30s\""),
    OptionRule(
      name: "body_timeout", kind: .duration(\.bodyTimeoutMilliseconds, timeout),
      contexts: routeContexts,
      summary: "The longest pause between two reads of a request body.", example: "\"10s\""),
    OptionRule(
      name: "min_body_rate", kind: .rate(\.minBodyRate, 0...(1 << 30)), contexts: routeContexts,
      summary: "A request body slower than this on average is cut, after its first 10 seconds; "
        + "0 allows any.",
      example: "\"1k\""),
    OptionRule(
      name: "tunnel_timeout", kind: .duration(\.tunnelTimeoutMilliseconds, longTimeout),
      contexts: tunnelContexts,
      summary: "How long a tunnel (WebSocket, passed through, `tcp`) may be silent in both "
        + "directions; on a listener, where `tcp` stands beside it.",
      example: "\"10m\""),
    OptionRule(
      name: "max_body", kind: .sizeOrUnlimited(\.maxBody, 1...(1 << 50)),
      contexts: routeContexts, summary: "The largest request body; above it the answer is 413.",
      example: "\"100m\""),
    OptionRule(
      name: "buffering",
      kind: .size(\.buffering, 65_536...16_777_216, orZero: true), contexts: routeContexts,
      summary: "How much of a response may wait for a slow client until its server is paused; "
        + "0 passes every piece on before the next is read.",
      example: "\"1m\""),
    OptionRule(
      name: "retries", kind: .count(\.retries, 0...10), contexts: routeContexts,
      summary: "How often a failed request may be tried again, where that is safe.",
      example: "1"),
    OptionRule(
      name: "host", kind: .special(.host), contexts: routeContexts,
      summary: "The Host a server gets: the client's, the server's own address as it is written "
        + "here, or a fixed one.",
      example: "\"app.internal\""),
    OptionRule(
      name: "via", kind: .special(.via), contexts: routeContexts,
      summary: "Adds a Via field to requests and responses, as `rsp` or under a pseudonym.",
      example: "true"),
    OptionRule(
      name: "forwarded", kind: .flag(\.forwarded), contexts: routeContexts,
      summary: "Sets the Forwarded field of RFC 7239.", example: "true"),
    OptionRule(
      name: "forwarded_fields", kind: .flag(\.forwardedFields), contexts: routeContexts,
      summary: "Sets X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host and X-Real-IP.",
      example: "false"),
    OptionRule(
      name: "request_id", kind: .flag(\.requestID), contexts: routeContexts,
      summary: "Sets X-Request-ID.", example: "false"),
    OptionRule(
      name: "underscores_in_fields", kind: .flag(\.underscoresInFields), contexts: routeContexts,
      summary: "Forwards request fields with `_` or `.` in their names, which are dropped "
        + "otherwise.",
      example: "true"),
    OptionRule(
      name: "strip_prefix", kind: .special(.stripPrefix), contexts: routeContexts,
      summary: "Takes a prefix off the path on its way to the server: the route's own path, or the "
        + "one given.",
      example: "\"/app\""),
    OptionRule(
      name: "request_headers", kind: .special(.fields(\.requestFields, of: .request)),
      contexts: routeContexts,
      summary: "Fields of the request that are removed, set in place of what came, or added "
        + "beside it. Values may hold [variables](#variables).",
      example: "{ set = { [\"X-Client\"] = \"$remote_addr\" }, remove = { \"Cookie\" } }"),
    OptionRule(
      name: "response_headers", kind: .special(.fields(\.responseFields, of: .response)),
      contexts: routeContexts,
      summary: "The same for fields of the response.",
      example: "{ set = { [\"X-Frame-Options\"] = \"DENY\" }, remove = \"Server\" }"),
    OptionRule(
      name: "error_pages", kind: .special(.errorPages), contexts: routeContexts,
      summary: "What is answered in place of rsp's own error answers: a file, read when the "
        + "configuration is, or `respond(...)`. Errors that a server sends are passed on as they "
        + "are.",
      example:
        "{ [404] = respond(404, \"Not here.\\n\"), [\"5xx\"] = respond(503, \"Back soon.\\n\") }"),
    OptionRule(
      name: "lua_budget", kind: .count(\.luaBudget, 1000...1_000_000_000),
      contexts: routeContexts,
      summary: "How many Lua instructions a function may execute for one request; then the answer "
        + "is 500.",
      example: "100000"),
    OptionRule(
      name: "redirect_https", kind: .flag(\.redirectsToHTTPS), contexts: routeContexts,
      summary: "Answers requests that came without TLS by 308, to the same URL with https. What a "
        + "trusted proxy says in X-Forwarded-Proto counts.",
      example: "true"),
    OptionRule(
      name: "hsts", kind: .special(.hsts), contexts: routeContexts,
      summary:
        "Tells browsers to use https alone (Strict-Transport-Security, RFC 6797), in answers "
        + "over TLS to which the server has not said so itself: for a year, or for the time given.",
      example: "\"180d\""),
  ]

  static let listener: [OptionRule<ListenerOptions>] = connections + listenerTLS

  private static let connections: [OptionRule<ListenerOptions>] = [
    OptionRule(
      name: "head_timeout", kind: .duration(\.headTimeoutMilliseconds, timeout),
      contexts: [.listener, .defaults],
      summary: "How long a client may take for a whole request head; then the answer is 408.",
      example: "\"5s\""),
    OptionRule(
      name: "keepalive_timeout", kind: .duration(\.keepaliveTimeoutMilliseconds, timeout),
      contexts: [.listener, .defaults],
      summary: "How long a connection may wait for its next request.", example: "\"20s\""),
    OptionRule(
      name: "keepalive_requests", kind: .count(\.keepaliveRequests, 1...1_000_000_000),
      contexts: [.listener, .defaults],
      summary: "How many requests a connection may make; 1 turns keep-alive off.",
      example: "1000"),
    OptionRule(
      name: "keepalive_time", kind: .duration(\.keepaliveTimeMilliseconds, longTimeout),
      contexts: [.listener, .defaults],
      summary: "How old a connection may become; it ends after the request that is running then.",
      example: "\"10m\""),
    OptionRule(
      name: "max_head", kind: .size(\.maxHead, 1024...65_536), contexts: [.listener, .defaults],
      summary: "The largest request head; above it the answer is 431.", example: "\"16k\""),
    OptionRule(
      name: "max_line", kind: .size(\.maxLine, 256...65_536), contexts: [.listener, .defaults],
      summary: "The longest request line (above it 414) and field line (431); never more than "
        + "max_head.",
      example: "\"16k\""),
    OptionRule(
      name: "max_fields", kind: .count(\.maxFields, 1...1000), contexts: [.listener, .defaults],
      summary: "The most fields in a request head; above it the answer is 431.", example: "200"),
    OptionRule(
      name: "backlog", kind: .count(\.backlog, 1...65_535), contexts: [.listener, .defaults],
      summary: "How many new connections the kernel holds until they are accepted; it may have a "
        + "lower limit of its own (net.core.somaxconn).",
      example: "1024"),
    OptionRule(
      name: "trusted", kind: .special(.trusted), contexts: [.listener, .defaults],
      summary: "The proxies in front of rsp: what they say about the client in X-Forwarded-For and "
        + "its kin is believed, and what others say is not.",
      example: "{ \"10.0.0.0/8\", \"fd00::/8\" }"),
  ]

  static let process: [OptionRule<ProcessOptions>] = [
    OptionRule(
      name: "drain_timeout", kind: .duration(\.drainTimeoutMilliseconds, 0...86_400_000),
      contexts: [.defaults],
      summary: "How long running requests may take to finish when rsp is told to stop.",
      example: "\"5m\""),
    OptionRule(
      name: "log_level", kind: .special(.logLevel), contexts: [.defaults],
      summary: "From which level on lines are logged; `log { level = ... }` sets the same.",
      example: "\"debug\""),
    OptionRule(
      name: "max_connections",
      kind: .countOrNone(\.maxConnections, 1...10_000_000, word: "unlimited"),
      contexts: [.defaults],
      summary: "How many client connections may be open; \"unlimited\" leaves it to the limit of "
        + "descriptors, less a reserve for servers.",
      example: "10000"),
    OptionRule(
      name: "control", kind: .special(.control), contexts: [.defaults],
      summary: "The Unix socket by which `rsp status`, `rsp reload` and the like talk to the "
        + "process: at its usual place, at another, or none.",
      example: "\"/run/rsp/shop.sock\""),
    OptionRule(
      name: "resolver", kind: .special(.resolver), contexts: [.defaults],
      summary: "The DNS servers that are asked for the addresses of servers given by a name; "
        + "without it, those of /etc/resolv.conf.",
      example: "\"10.0.0.53\""),
    OptionRule(
      name: "user", kind: .special(.user), contexts: [.defaults],
      summary: "The user, and after a colon the group, that rsp becomes when it was started by "
        + "root and everything is open.",
      example: "\"www-data\""),
    OptionRule(
      name: "acme", kind: .special(.acme), contexts: [.defaults],
      summary: "How certificates are got for `certificates = \"auto\"`, with these "
        + "[options](#options-of-acme); `acme { ... }` sets the same.",
      example: "{ email = \"admin@example.com\" }"),
  ]

  /// The options of one level, for the documentation.
  package struct Level: Sendable {
    /// Their class in the editor stub.
    package var name: String
    package var title: String
    package var options: [OptionReference]
  }

  /// Every option, in the order of the reference.
  package static let levels: [Level] = [
    Level(
      name: "rsp.RouteOptions", title: "Requests and responses",
      options: route.map { $0.reference(builtIn: RouteOptions()) }),
    Level(
      name: "rsp.SiteOptions", title: "Sites passed through",
      options: site.map { $0.reference(builtIn: SiteOptions()) }),
    Level(
      name: "rsp.ListenerOptions", title: "Connections of clients",
      options: listener.map { $0.reference(builtIn: ListenerOptions()) }),
    Level(
      name: "rsp.UpstreamOptions", title: "Upstreams",
      options: upstream.map { $0.reference(builtIn: UpstreamOptions()) }),
    Level(
      name: OptionContext.server.className, title: "Options of a server",
      options: server.map {
        $0.reference(builtIn: ServerConfiguration(address: .unix(path: "")))
      }),
    Level(
      name: OptionContext.sticky.className, title: "Options of sticky",
      options: sticky.map { $0.reference(builtIn: StickyOptions()) }),
    Level(
      name: OptionContext.healthCheck.className, title: "Options of health_check",
      options: healthCheck.map { $0.reference(builtIn: HealthCheckOptions()) }),
    Level(
      name: OptionContext.circuitBreaker.className, title: "Options of circuit_breaker",
      options: circuitBreaker.map { $0.reference(builtIn: BreakerPolicy()) }),
    Level(
      name: "rsp.ProcessOptions", title: "The process",
      options: process.map { $0.reference(builtIn: ProcessOptions()) }),
    Level(
      name: OptionContext.acme.className, title: "Options of acme",
      options: acme.map { $0.reference(builtIn: ACMEOptions()) }),
  ]

  package static let all: [OptionReference] = levels.flatMap(\.options)
}
