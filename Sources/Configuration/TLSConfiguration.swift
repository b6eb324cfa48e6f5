// What the configuration says about TLS, towards clients and towards servers, and about the PROXY
// protocol. Files are named here, not read: that is the work of whoever puts a configuration in force.
import Routing

/// TLS on a listener.
package struct ListenerTLS: Sendable, Equatable {
  /// Where certificates come from; empty only where every site of the listener is passed through.
  package var certificates: [CertificateSource] = []
  package var minimumVersion = TLSVersion.tls12
  /// OpenSSL's list for TLS 1.2; nil for the built-in one.
  package var ciphers: String?
  /// The PEM file of authorities that client certificates are verified against; nil asks for none.
  package var clientCA: String?
  package var clientVerification = ClientVerification.required
  /// How long a handshake may take.
  package var handshakeTimeoutMilliseconds = 10_000

  package init() {}
}

/// Where certificates and their keys come from. Paths are absolute, or relative to the folder of the
/// configuration file, as they will be opened.
package enum CertificateSource: Sendable, Hashable {
  /// Every PEM file of a folder.
  case folder(String)
  /// One PEM file with the certificate, its chain and the key.
  case file(String)
  case pair(certificate: String, key: String)
  /// Got from an authority by ACME (RFC 8555), for the names of the sites.
  case automatic
}

package enum TLSVersion: Int, Sendable, Comparable {
  case tls12 = 0x0303
  case tls13 = 0x0304

  package static func < (left: TLSVersion, right: TLSVersion) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// Whether a client must show a certificate.
package enum ClientVerification: Sendable {
  /// Without a good one the handshake fails.
  case required
  /// One that is shown is verified, and requests say with which result.
  case optional
}

/// TLS towards the servers of an upstream whose addresses begin with `https://`.
package struct ServerTLS: Sendable, Equatable {
  /// Whether certificates are verified.
  package var verify = true
  /// The PEM file of authorities; nil for the system's.
  package var ca: String?
  /// The name that is sent and verified; nil for the Host that the server gets.
  package var serverName: String?
  /// What the proxy shows when it is asked.
  package var clientCertificate: CertificateSource?

  package init() {}
}

/// How a client's address is told to a server before the first byte (haproxy.org, proxy-protocol.txt).
package enum ProxyProtocolVersion: Int, Sendable {
  case v1 = 1
  case v2 = 2
}

/// What is done with the connections of a listener.
package enum ListenerService: Sendable, Equatable {
  case http
  /// Bytes go to a server of the upstream at this index of `Configuration.upstreams`.
  case tcp(upstream: Int)
}

/// How certificates are got from an authority (RFC 8555).
package struct ACMEOptions: Sendable, Equatable {
  /// The URL of the authority's directory.
  package var directory = "https://acme-v02.api.letsencrypt.org/directory"
  /// Where the authority writes to when something is wrong; nil gives no address.
  package var email: String?
  /// The PEM file of authorities that the directory's own certificate is verified against; nil for
  /// the system's.
  package var ca: String?
  package var challenges: [ACMEChallenge] = [.tlsALPN01, .http01]
  /// Where the account, keys and certificates are kept, with mode 0600.
  package var folder = "/var/lib/rsp"

  package init() {}
}

package enum ACMEChallenge: String, Sendable {
  case http01 = "http-01"
  case tlsALPN01 = "tls-alpn-01"
}
