// What a key is made into: a request for a certificate, or a certificate that nobody but the key
// itself vouches for. And what is to be known of the certificate that came for it.
import COpenSSL

/// What a certificate is good for.
package struct CertificateDates: Sendable, Equatable {
  /// Seconds since 1970.
  package var notBefore: Int
  package var notAfter: Int

  package init(notBefore: Int, notAfter: Int) {
    self.notBefore = notBefore
    self.notAfter = notAfter
  }
}

extension SigningKey {
  private static let mostBytes = 4096

  /// A request for a certificate for one DNS name (RFC 2986, in DER).
  package func certificateRequest(for name: String) throws(OpenSSLError) -> [UInt8] {
    // SAFETY: the array holds one text, which ends with a NUL and lives for the call; at most the
    // room's count is written.
    try Self.checked(
      unsafe [UInt8](unsafeUninitializedCapacity: Self.mostBytes) { room, count in
        guard let base = room.baseAddress else { return }
        count = unsafe name.withCString { text in
          unsafe withUnsafePointer(to: text) {
            unsafe copenssl_request_write(pointer, $0, 1, base, room.count)
          }
        }
      })
  }

  /// A certificate for one DNS name that is signed by its own key, in PEM.
  ///
  /// - Parameter digest: of a key authorisation, 32 bytes, for one that answers a tls-alpn-01
  ///   challenge (RFC 8737 3).
  package func selfSignedCertificate(
    for name: String, days: Int = 365, acmeIdentifier digest: [UInt8]? = nil
  ) throws(OpenSSLError) -> [UInt8] {
    precondition(digest.map { $0.count == 32 } ?? true)
    // SAFETY: the digest has 32 bytes and the name a NUL at its end; both live for the call. At most
    // the room's count is written.
    return try Self.checked(
      unsafe [UInt8](unsafeUninitializedCapacity: Self.mostBytes) { room, count in
        guard let base = room.baseAddress else { return }
        if let digest {
          count = unsafe copenssl_self_signed_write(
            pointer, name, Int32(days), digest, base, room.count)
        } else {
          count = unsafe copenssl_self_signed_write(
            pointer, name, Int32(days), nil, base, room.count)
        }
      })
  }

  private static func checked(_ bytes: [UInt8]) throws(OpenSSLError) -> [UInt8] {
    if bytes.isEmpty { throw .take() }
    return bytes
  }

  /// The dates of the first certificate of a PEM text; nil when there is none, or it is not for this
  /// key and this name.
  package func dates(ofCertificate pem: [UInt8], for name: String) -> CertificateDates? {
    var dates = copenssl_dates()
    // SAFETY: the bytes are lent for the call with their length, the name with a NUL at its end.
    let found = unsafe copenssl_certificate_dates(pem, pem.count, pointer, name, &dates)
    guard found == 1, dates.has_key == 1, dates.covers_name == 1 else { return nil }
    return CertificateDates(notBefore: Int(dates.not_before), notAfter: Int(dates.not_after))
  }
}
