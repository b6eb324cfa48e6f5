// The part of the table of options that is about upstreams and their servers. The fields of a table
// are set in the order of their names.
import Balancing

extension OptionSchema {
  private static let contexts: [OptionContext] = [.upstream, .defaults]

  static let upstream: [OptionRule<UpstreamOptions>] = connections + upstreamTLS + choice + health

  private static let connections: [OptionRule<UpstreamOptions>] = [
    OptionRule(
      name: "max_idle", kind: .count(\.maxIdle, 0...65_535), contexts: contexts,
      summary: "How many idle connections are kept per server and worker; 0 keeps none.",
      example: "16"),
    OptionRule(
      name: "idle_timeout", kind: .duration(\.idleTimeoutMilliseconds, timeout),
      contexts: contexts,
      summary: "How long an idle connection to a server is kept; it should be shorter than the "
        + "server's own.",
      example: "\"4s\""),
    OptionRule(
      name: "max_connections",
      kind: .countOrNone(\.maxConnections, 1...1_000_000, word: "unlimited"), contexts: [.upstream],
      summary: "How many requests each server of the upstream gets at a time, over all workers; a "
        + "server may say otherwise for itself. What is too much waits in the queue. (In "
        + "`defaults` the name is that of another option, of the process.)",
      example: "100"),
    OptionRule(
      name: "queue", kind: .count(\.queue, 0...1_000_000), contexts: contexts,
      summary: "How many requests may wait, over all workers, while every server has "
        + "max_connections; beyond, the answer is 503 with Retry-After.",
      example: "100"),
    OptionRule(
      name: "queue_timeout", kind: .duration(\.queueTimeoutMilliseconds, timeout),
      contexts: contexts,
      summary: "How long a request may wait for a server; then the answer is 503 with Retry-After.",
      example: "\"3s\""),
  ]

  private static let choice: [OptionRule<UpstreamOptions>] = [
    OptionRule(
      name: "balance", kind: .special(.balance), contexts: contexts,
      summary: "How a server is chosen; [balancing.md](balancing.md) tells which way is for what.",
      example: "\"least_connections\""),
    OptionRule(
      name: "hash", kind: .special(.hash), contexts: contexts,
      summary: "What `balance = \"hash\"` hashes: requests with the same value go to the same "
        + "server.",
      example: "\"$cookie_session\", balance = \"hash\""),
    OptionRule(
      name: "sticky", kind: .special(.sticky), contexts: contexts,
      summary: "Brings a client back to its server by a cookie, which is signed and names no "
        + "address. The same as `balance = \"sticky\"`, with its [options](#options-of-sticky).",
      example: "{ cookie = \"server\" }"),
  ]

  private static let health: [OptionRule<UpstreamOptions>] = [
    OptionRule(
      name: "health_check", kind: .special(.healthCheck), contexts: contexts,
      summary: "Asks every server for its health, with these [options](#options-of-health_check).",
      example: "{ path = \"/health\", interval = \"2s\" }"),
    OptionRule(
      name: "max_failures", kind: .count(\.health.failuresInRow, 0...1000), contexts: contexts,
      summary: "As many connect failures, resets or timeouts in a row put a server out; 0 puts "
        + "none out.",
      example: "5"),
    OptionRule(
      name: "eject_time", kind: .duration(\.health.firstEjectionMilliseconds, 100...86_400_000),
      contexts: contexts,
      summary: "How long a server is out for failures at first; each further time it is twice as "
        + "long.",
      example: "\"5s\""),
    OptionRule(
      name: "max_eject_time",
      kind: .duration(\.health.longestEjectionMilliseconds, 100...86_400_000), contexts: contexts,
      summary: "The longest that a server is out for failures at a time.", example: "\"1m\""),
    OptionRule(
      name: "circuit_breaker", kind: .special(.circuitBreaker), contexts: contexts,
      summary: "Also puts a server out when too many of its answers are errors, with these "
        + "[options](#options-of-circuit_breaker).",
      example: "{ errors = 30 }"),
    OptionRule(
      name: "slow_start", kind: .duration(\.health.slowStartMilliseconds, 0...3_600_000),
      contexts: contexts,
      summary: "A server that comes back gets its share step by step over this time; 0 gives it at "
        + "once.",
      example: "\"30s\""),
  ]

  static let server: [OptionRule<ServerConfiguration>] = [
    OptionRule(
      name: "weight", kind: .count(\.weight, 1...256), contexts: [.server],
      summary: "Its share of the requests beside the others' weights.", example: "3"),
    OptionRule(
      name: "backup", kind: .flag(\.isBackup), contexts: [.server],
      summary: "Whether it serves only when all others are out.", example: "true"),
    OptionRule(
      name: "max_connections",
      kind: .countOrNone(\.maxConnections, 1...1_000_000, word: "unlimited"), contexts: [.server],
      summary: "How many requests it gets at a time, over all workers; without it, what the "
        + "upstream's max_connections says.",
      example: "100"),
  ]

  static let sticky: [OptionRule<StickyOptions>] = [
    OptionRule(
      name: "cookie", kind: .special(.cookie), contexts: [.sticky],
      summary: "The cookie's name.", example: "\"server\""),
    OptionRule(
      name: "secret", kind: .special(.secret), contexts: [.sticky],
      summary: "What cookies are signed with: the first signs, all are accepted. Without one it is "
        + "a key of the process, made at its start, which survives reloads; several machines need "
        + "the same secret.",
      example: "\"0123456789abcdef\""),
    OptionRule(
      name: "max_age", kind: .special(.maxAge), contexts: [.sticky],
      summary: "How long a browser keeps the cookie; \"session\" until it is closed.",
      example: "\"24h\""),
    OptionRule(
      name: "secure", kind: .flag(\.isSecure), contexts: [.sticky],
      summary: "Whether the cookie is sent over TLS only.", example: "true"),
  ]

  static let healthCheck: [OptionRule<HealthCheckOptions>] = [
    OptionRule(
      name: "type", kind: .special(.type), contexts: [.healthCheck],
      summary: "Whether a request is sent, or a connection that is accepted is enough.",
      example: "\"tcp\""),
    OptionRule(
      name: "path", kind: .special(.path), contexts: [.healthCheck],
      summary: "The path that is asked for.", example: "\"/health\""),
    OptionRule(
      name: "method", kind: .special(.method), contexts: [.healthCheck],
      summary: "The method of the request.", example: "\"HEAD\""),
    OptionRule(
      name: "host", kind: .special(.host), contexts: [.healthCheck],
      summary: "The Host that is sent: the server's address, or a fixed one.",
      example: "\"app.internal\""),
    OptionRule(
      name: "status", kind: .special(.status), contexts: [.healthCheck],
      summary: "The statuses of a good answer: `200`, `\"2xx\"`, `\"200-204\"`.",
      example: "200"),
    OptionRule(
      name: "body", kind: .special(.body), contexts: [.healthCheck],
      summary: "What is to be found in the first 64 KiB of a good answer's body.",
      example: "\"\\\"status\\\":\\\"up\\\"\""),
    OptionRule(
      name: "interval", kind: .duration(\.policy.intervalMilliseconds, 100...3_600_000),
      contexts: [.healthCheck],
      summary: "The time between two checks of a server, give or take a tenth.",
      example: "\"2s\""),
    OptionRule(
      name: "timeout", kind: .duration(\.policy.timeoutMilliseconds, 10...3_600_000),
      contexts: [.healthCheck],
      summary: "How long a check may take; then it has failed.", example: "\"1s\""),
    OptionRule(
      name: "rise", kind: .count(\.policy.rise, 1...100), contexts: [.healthCheck],
      summary: "As many checks passed in a row bring a server in.", example: "1"),
    OptionRule(
      name: "fall", kind: .count(\.policy.fall, 1...100), contexts: [.healthCheck],
      summary: "As many checks failed in a row put a server out.", example: "5"),
    OptionRule(
      name: "port", kind: .countOrNone(\.portNumber, 1...65_535, word: "server"),
      contexts: [.healthCheck],
      summary: "The port that is asked, if it is not the server's own.", example: "8081"),
  ]

  static let circuitBreaker: [OptionRule<BreakerPolicy>] = [
    OptionRule(
      name: "errors", kind: .count(\.errorPercent, 1...100), contexts: [.circuitBreaker],
      summary: "The share of errors, in percent, at which a server is put out: failures and 5xx "
        + "answers alike.",
      example: "30"),
    OptionRule(
      name: "window", kind: .duration(\.windowMilliseconds, 1000...3_600_000),
      contexts: [.circuitBreaker],
      summary: "The time that is looked back on.", example: "\"30s\""),
    OptionRule(
      name: "requests", kind: .count(\.minimumRequests, 1...1_000_000),
      contexts: [.circuitBreaker],
      summary: "With fewer requests in that time nothing is concluded.", example: "50"),
  ]
}
