// Which server a request prefers: by the client's session, or by a key.
import Balancing
import Bytes
import HTTP
import IO

extension ClientConnection where Stream: ~Copyable {
  /// Looks for what ties the request to a server.
  func prepare(_ search: inout ServerSearch, for upstream: UpstreamPlan) {
    switch upstream.balancer.algorithm {
    case .sticky: pin(&search, for: upstream)
    case .hash: search.key = hashKey
    case .roundRobin, .random, .p2c, .leastConnections, .leastLatency: break
    }
    upstream.askForNames()
  }

  private func pin(_ search: inout ServerSearch, for upstream: UpstreamPlan) {
    turn.pinned = nil
    let found = input.withBytes { upstream.sticky?.server(of: request, in: $0) }
    guard let found else { return }
    search.pinned = upstream.servers[found.index]
    if !found.isOld { turn.pinned = search.pinned }
  }

  /// The client's address as a key.
  private var hashKey: UInt64 {
    switch peer {
    case .v4(let address, _): HashKey.of(UInt64(address), 0)
    case .v6(let high, let low, _, _): HashKey.of(high, low)
    case .unix(let path): HashKey.of(path)
    }
  }
}
