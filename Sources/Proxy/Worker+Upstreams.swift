// What the supervisor and the control socket tell a worker about its upstreams, and what they ask
// about these and the sites.
import Balancing
import IO

extension Worker {
  /// Takes in what the DNS says: the whole member list of an upstream, resolved and numeric together.
  /// Members that stay (by `identity`) keep connections, health and counts. Nothing happens when
  /// there is no such upstream.
  package func setMembers(_ members: [Member], of upstream: String) {
    state.plan.upstream(named: upstream)?.follow(members)
  }

  /// The process' checker has found that a server rose or fell.
  package func noteCheck(
    _ event: ActiveHealth.Event, of identity: UInt64, in upstream: String
  ) {
    state.plan.upstream(named: upstream)?.note(event, of: identity)
  }

  /// Drains a server, puts it down, or up again. The wish is kept when the members change and over
  /// reloads.
  ///
  /// - Parameter server: its name as configured, or its address; a name means all its addresses.
  /// - Returns: how many members it matched.
  package func administer(
    _ wish: Administrative, server: String, in upstream: String
  ) -> Int {
    state.plan.upstream(named: upstream)?.administer(wish, server) ?? 0
  }

  /// What this worker knows of all upstreams, in the order of the configuration.
  package func upstreamStatus() -> [UpstreamStatus] { state.plan.upstreams.map(\.status) }

  /// What this worker was asked so far for each site, by the sites' first names.
  package func siteCounts() -> [String: SiteCounts] { state.plan.siteCounts }
}
