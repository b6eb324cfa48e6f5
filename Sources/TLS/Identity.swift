// Who this side of a connection says it is: a certificate, its chain and the key that proves it.
import COpenSSL

/// Immutable; shared by the connections that show it.
@safe
package final class Identity: @unchecked Sendable {
  // SAFETY: OpenSSL's reference counts are atomic, and nothing changes these objects.
  let certificate: OpaquePointer
  let key: OpaquePointer
  let chain: OpaquePointer?

  /// - Parameters:
  ///   - pem: the certificate, then those of its chain.
  ///   - keyPEM: the private key.
  package init(pem: [UInt8], keyPEM: [UInt8]) throws(OpenSSLError) {
    var certificate: OpaquePointer?
    var key: OpaquePointer?
    var chain: OpaquePointer?
    // SAFETY: the texts are read within the call; what it makes is owned by this object.
    let result = unsafe copenssl_identity_read(
      pem, pem.count, keyPEM, keyPEM.count, &certificate, &key, &chain)
    guard result == 1, let certificate = unsafe certificate, let key = unsafe key else {
      throw .take()
    }
    unsafe self.certificate = certificate
    unsafe self.key = key
    unsafe self.chain = chain
  }

  deinit { unsafe copenssl_identity_free(certificate, key, chain) }
}
