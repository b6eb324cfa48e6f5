// What an authority says about a certificate, stapled to the handshake (RFC 6066 8). A wrong response
// is worse than none, since clients end the connection over it; so it is looked at before it is sent.
import COpenSSL

/// A response that is good to be sent.
package struct OCSPStaple: Sendable, Equatable {
  /// DER.
  package let response: [UInt8]
  /// The second since 1970 from which on it is not sent.
  package let until: Int

  /// - Parameters:
  ///   - issuer: the certificate that signed `x509`.
  ///   - now: seconds since 1970.
  package init(
    _ response: [UInt8], for x509: X509, issuer: X509, now: Int
  ) throws(OCSPProblem) {
    var until: Int64 = 0
    // SAFETY: as many bytes as there are are read, for the length of the call.
    let result = unsafe response.withUnsafeBufferPointer { bytes -> Int32 in
      guard let start = bytes.baseAddress else { return Int32(COPENSSL_OCSP_MALFORMED.rawValue) }
      return unsafe copenssl_ocsp_check(
        start, bytes.count, x509.pointer, issuer.pointer, Int64(now), &until)
    }
    if let problem = OCSPProblem(result) {
      // What the queue holds would be taken for the reason of another failure.
      copenssl_clear_errors()
      throw problem
    }
    self.response = response
    self.until = Int(until)
  }
}

/// Why a response is not sent.
package enum OCSPProblem: Error, Sendable, Equatable, CustomStringConvertible {
  case malformed, foreign, stale, bad, unsigned, noIssuer

  init?(_ result: Int32) {
    switch copenssl_ocsp(UInt32(result)) {
    case COPENSSL_OCSP_GOOD: return nil
    case COPENSSL_OCSP_FOREIGN: self = .foreign
    case COPENSSL_OCSP_STALE: self = .stale
    case COPENSSL_OCSP_BAD: self = .bad
    case COPENSSL_OCSP_UNSIGNED: self = .unsigned
    default: self = .malformed
    }
  }

  package var description: String {
    switch self {
    case .malformed: "is no OCSP response that says anything"
    case .foreign: "is an OCSP response about another certificate"
    case .stale: "is an OCSP response that is not valid now"
    case .bad: "is an OCSP response that says the certificate is revoked or unknown"
    case .unsigned: "is an OCSP response that the certificate's issuer has not signed"
    case .noIssuer: "cannot be checked, as the certificate's file does not hold its issuer"
    }
  }
}
