// What is shown to an authority that looks whether a name leads here.
import IO
import TLS

/// The kinds that we can answer.
package enum ChallengeKind: String, Sendable {
  /// A file at `/.well-known/acme-challenge/TOKEN` on port 80: RFC 8555 8.3.
  case http01 = "http-01"
  /// A certificate in a handshake for the protocol acme-tls/1 on port 443: RFC 8737.
  case tlsALPN01 = "tls-alpn-01"
}

/// The answer to one challenge.
package struct ChallengeResponse: Sendable {
  /// Seconds for which the certificate of a challenge is valid, from an hour ago on.
  static let validity = 7 * 86_400

  package let name: String
  package let token: String
  /// RFC 8555 8.1: what the file holds, and what the certificate holds the digest of.
  package let keyAuthorization: String
  /// What is shown under tls-alpn-01; nil for http-01.
  package let certificate: Certificate?

  init(
    _ kind: ChallengeKind, for name: String, token: String, thumbprint: String
  ) throws(ACMEError) {
    self.name = name
    self.token = token
    keyAuthorization = "\(token).\(thumbprint)"
    switch kind {
    case .http01: certificate = nil
    case .tlsALPN01:
      let start = Process.unixSeconds - 3600
      do throws(CertificateProblem) {
        certificate = try Certificate(
          selfSignedFor: SubjectNames(hosts: [name]), validity: start...start + Self.validity,
          acme: SHA256.digest(Array(keyAuthorization.utf8)))
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
