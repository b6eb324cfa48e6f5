// What all workers of the process have in common: Sendable, made once at the start, and given to
// every worker.
import Balancing

/// The little that workers share. Counters in it are atomic; nothing is touched on the path of a
/// request that uses no limit.
package struct Commons: Sendable {
  /// The key of sticky cookies where the configuration gives no secret. Whoever hands connections on
  /// to another process hands it on, too.
  package var stickyKey: SipHash.Key
  /// Somebody calls `Worker.setMembers` for every upstream that has names. If not, each worker asks
  /// the DNS by itself.
  package var followsNames: Bool
  /// Places at servers with `max_connections`.
  package let places: PlaceRegistry

  package init(stickyKey: SipHash.Key? = nil, followsNames: Bool = false) {
    var random = SystemRandomNumberGenerator()
    self.stickyKey = stickyKey ?? SipHash.Key(random.next(), random.next())
    self.followsNames = followsNames
    places = PlaceRegistry()
  }
}
