// What is shown to an authority that looks whether a name leads here.
import JSON
import TLS

/// The kinds that we can answer.
package enum ChallengeKind: String, Sendable {
  /// A file at `/.well-known/acme-challenge/TOKEN` on port 80: RFC 8555 8.3.
  case http01 = "http-01"
  /// A certificate in a handshake for the protocol acme-tls/1 on port 443: RFC 8737.
  case tlsALPN01 = "tls-alpn-01"
}

/// The answer to one challenge.
package struct ChallengeResponse: Sendable, Equatable {
  package let name: String
  package let token: String
  /// RFC 8555 8.1: what the file holds, and what the certificate holds the digest of.
  package let keyAuthorization: String
  /// The certificate and its key for tls-alpn-01, in PEM; nil for http-01.
  package let certificate: [UInt8]?

  init(
    _ kind: ChallengeKind, for name: String, token: String, thumbprint: String
  ) throws(ACMEError) {
    self.name = name
    self.token = token
    keyAuthorization = "\(token).\(thumbprint)"
    switch kind {
    case .http01: certificate = nil
    case .tlsALPN01:
      do throws(OpenSSLError) {
        let key = try SigningKey.generate()
        let digest = SHA256.digest(Array(keyAuthorization.utf8))
        let text = try key.selfSignedCertificate(for: name, days: 7, acmeIdentifier: digest)
        certificate = try text + key.pem()
      } catch {
        throw .library(error.description)
      }
    }
  }
}

/// Who makes responses visible to the authority.
package protocol ChallengeResponder: AnyObject {
  /// Returns when every answer from now on is in accord with it.
  func show(_ response: ChallengeResponse) async
  func withdraw(_ response: ChallengeResponse) async
}
