// The last part of `rsp explain`: the servers of the upstream that a request would be sent to.
import Balancing
import Configuration
import Proxy

extension Explanation {
  /// Adds the state of each server, and which of them would be chosen.
  package mutating func addServers(_ upstreams: [UpstreamStatus], _ configuration: Configuration) {
    guard let upstream, upstream < configuration.upstreams.count else { return }
    let name = configuration.upstreams[upstream].name
    guard let status = upstreams.first(where: { $0.name == name }) else { return }
    for server in status.servers { add("server", server.words) }
    if status.servers.isEmpty { add("server", "none: no name of the upstream leads anywhere yet") }
    if let choice { add("choice", choice) }
  }
}

extension UpstreamStatus.Server {
  fileprivate var words: String {
    let address = "\(member.address)"
    let name = member.name == address ? address : "\(member.name) (\(address))"
    let backup = member.isBackup ? ", backup" : ""
    return "\(name): \(state.name), weight \(member.weight)\(backup), \(inFlight) in flight"
  }
}
