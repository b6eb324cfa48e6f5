// What the health checker is told to look at.
import Configuration
import Proxy

/// A server to be checked, and how.
package struct CheckTarget: Sendable, Equatable {
  /// The name of the upstream it belongs to.
  package var upstream: String
  package var member: Member
  package var options: HealthCheckOptions
  /// The PROXY header that it expects; nil for none.
  package var proxyProtocol: ProxyProtocolVersion?

  package init(
    upstream: String, member: Member, options: HealthCheckOptions,
    proxyProtocol: ProxyProtocolVersion? = nil
  ) {
    self.upstream = upstream
    self.member = member
    self.options = options
    self.proxyProtocol = proxyProtocol
  }
}
