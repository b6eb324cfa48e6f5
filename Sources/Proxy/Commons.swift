// What all workers of the process have in common: Sendable, made once at the start, and given to
// every worker.
import Balancing

/// The little that workers share. Counters in it are atomic; nothing is touched on the path of a
/// request that uses no limit.
package struct Commons: Sendable {
  /// The key of sticky cookies where the configuration gives no secret. Whoever hands connections on
  /// to another process hands it on, too.
  package var stickyKey: SipHash.Key
  /// Places at servers with `max_connections`.
  package let places: PlaceRegistry

  package init(stickyKey: SipHash.Key? = nil) {
    var random = SystemRandomNumberGenerator()
    self.stickyKey = stickyKey ?? SipHash.Key(random.next(), random.next())
    places = PlaceRegistry()
  }
}
