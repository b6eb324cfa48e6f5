// What the health checker is told to look at.
import Configuration
import Proxy

/// A server to be checked, and how.
package struct CheckTarget: Sendable, Equatable {
  /// The name of the upstream it belongs to.
  package var upstream: String
  package var member: Member
  package var options: HealthCheckOptions
  /// For a member that is spoken to by TLS.
  package var security: ServerSecurity?
  /// The PROXY header that it expects; nil for none.
  package var proxyProtocol: ProxyProtocolVersion?

  package init(
    upstream: String, member: Member, options: HealthCheckOptions,
    security: ServerSecurity? = nil, proxyProtocol: ProxyProtocolVersion? = nil
  ) {
    self.security = security
    self.upstream = upstream
    self.member = member
    self.options = options
    self.proxyProtocol = proxyProtocol
  }
}
