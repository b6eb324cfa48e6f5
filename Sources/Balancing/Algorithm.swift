// The ways of choosing a server, by the names they have in the configuration.

/// What `balance` says. docs/balancing.md tells which one is for what, with figures.
package enum Algorithm: String, Sendable, CaseIterable {
  /// Each in turn, as often as its weight says, well mixed.
  case roundRobin = "round_robin"
  /// By weight and chance.
  case random
  /// The less busy of two that chance and weight name. The default.
  case p2c
  /// The one with the fewest requests in flight for its weight.
  case leastConnections = "least_connections"
  /// The one that promises the shortest wait: recent latency times requests in flight.
  case leastLatency = "least_latency"
  /// The same key to the same server, until that server has 1.25 times its share of the load.
  case hash
  /// The same client to the same server by a cookie (`StickySessions`); new clients as by `p2c`.
  case sticky
}
