// Which server a request prefers: by the client's session, or by a key.
import Balancing
import Bytes
import Configuration
import HTTP
import IO
import Routing

extension ClientConnection where Stream: ~Copyable {
  /// Looks for what ties the request to a server; nil where nothing does.
  @inline(__always)
  func makeSearch(for upstream: UpstreamPlan) -> ServerSearch? {
    switch upstream.balancer.algorithm {
    case .sticky: return pin(for: upstream)
    case .hash:
      let search = ServerSearch()
      search.key = hashKey(for: upstream)
      return search
    case .roundRobin, .random, .p2c, .leastConnections, .leastLatency: return nil
    }
  }

  private func pin(for upstream: UpstreamPlan) -> ServerSearch? {
    let found = input.withBytes { upstream.sticky?.server(of: request, in: $0) }
    guard let found else { return nil }
    let search = ServerSearch()
    search.pinned = upstream.servers[found.index]
    search.renewsCookie = found.isOld
    return search
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
