// Which server a request prefers: by the client's session, or by a key.
import Balancing
import Bytes
import Configuration
import HTTP
import IO
import Routing

extension ClientConnection where Stream: ~Copyable {
  /// Looks for what ties the request to a server.
  func prepare(_ search: inout ServerSearch, for upstream: UpstreamPlan) {
    switch upstream.balancer.algorithm {
    case .sticky: pin(&search, for: upstream)
    case .hash: search.key = hashKey(for: upstream)
    case .roundRobin, .random, .p2c, .leastConnections, .leastLatency: break
    }
  }

  private func pin(_ search: inout ServerSearch, for upstream: UpstreamPlan) {
    turn.pinned = nil
    let found = input.withBytes { upstream.sticky?.server(of: request, in: $0) }
    guard let found else { return }
    search.pinned = upstream.servers[found.index]
    if !found.isOld { turn.pinned = search.pinned }
  }

  /// What is hashed: the value of `hash_key`, or the client's address where that is empty or not set.
  private func hashKey(for upstream: UpstreamPlan) -> UInt64 {
    if let template = upstream.options.hashKey {
      worker.scratch.reset()
      if write(template, to: &worker.scratch), !worker.scratch.isEmpty {
        return worker.scratch.withBytes { HashKey.of($0) }
      }
    }
    return addressKey
  }

  /// The hash of the client's address.
  var addressKey: UInt64 {
    if let client = clientBehindProxies ?? InternetAddress(peer) {
      return HashKey.of(client.high, client.low)
    }
    return HashKey.of("")
  }
}
