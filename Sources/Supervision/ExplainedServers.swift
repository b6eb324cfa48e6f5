// The last part of `rsp explain`: the servers of the upstream that a request would be sent to.
import Balancing
import Configuration
import Proxy

extension Explanation {
  /// Adds the state of each server, and between which of them would be chosen.
  package mutating func addServers(_ upstreams: [UpstreamStatus], _ configuration: Configuration) {
    guard let upstream, upstream < configuration.upstreams.count else { return }
    let name = configuration.upstreams[upstream].name
    guard let status = upstreams.first(where: { $0.name == name }) else { return }
    for server in status.servers { add("server", server.words) }
    if status.servers.isEmpty { add("server", "none: no name of the upstream leads anywhere yet") }
    add("choice", Self.choice(status))
  }

  private static func choice(_ upstream: UpstreamStatus) -> String {
    let ready = upstream.servers.filter(\.isReady)
    let first = ready.filter { !$0.member.isBackup }
    let candidates = first.isEmpty ? ready : first
    let kind = first.isEmpty && !ready.isEmpty ? " (backup: no other is ready)" : ""
    switch candidates.count {
    case 0: return "none is ready"
    case 1: return "\(candidates[0].member.address)\(kind), the only one that is ready"
    default:
      let names = candidates.map { "\($0.member.address)" }.joined(separator: ", ")
      return "\(upstream.algorithm.rawValue) among \(names)\(kind)"
    }
  }
}

extension UpstreamStatus.Server {
  /// Whether requests may be sent to it.
  fileprivate var isReady: Bool {
    switch state {
    case .up, .warming, .onProbation: true
    case .ejected, .failing, .draining, .down: false
    }
  }

  fileprivate var words: String {
    let address = "\(member.address)"
    let name = member.name == address ? address : "\(member.name) (\(address))"
    let backup = member.isBackup ? ", backup" : ""
    return "\(name): \(state.name), weight \(member.weight)\(backup), \(inFlight) in flight"
  }
}
