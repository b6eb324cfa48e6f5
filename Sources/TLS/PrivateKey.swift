// A private key as an object of OpenSSL. It can be made, kept as a file and used; nothing shows it.
import COpenSSL

/// A private key. Immutable, so threads may share it.
@safe
package final class PrivateKey: @unchecked Sendable {
  // OpenSSL counts references and only reads a key once it is made.
  let pointer: OpaquePointer

  private init(adopting pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

  // SAFETY: our one reference.
  deinit { unsafe copenssl_key_free(pointer) }

  /// A new key: on the curve P-256, RSA of 2048 bits, or Ed25519.
  package static func make(_ kind: KeyKind = .ecdsa) throws(OpenSSLError) -> PrivateKey {
    let theirs =
      switch kind {
      case .ecdsa: COPENSSL_KEY_ECDSA
      case .rsa: COPENSSL_KEY_RSA
      case .ed25519: COPENSSL_KEY_ED25519
      case .other: COPENSSL_KEY_OTHER
      }
    guard let pointer = unsafe copenssl_key_make(theirs) else { throw OpenSSLError.take() }
    return unsafe PrivateKey(adopting: pointer)
  }

  /// - Parameter der: in any form that PEM files hold: PKCS #8, PKCS #1 or SEC 1.
  package convenience init(der: SecretBytes) throws(OpenSSLError) {
    // SAFETY: as many bytes as there are, for the length of the call.
    let pointer = unsafe der.withPointer { unsafe copenssl_key_parse($0, der.count) }
    guard let pointer = unsafe pointer else { throw OpenSSLError.take() }
    unsafe self.init(adopting: pointer)
  }

  /// The key as PKCS #8.
  package func encoded() throws(OpenSSLError) -> SecretBytes {
    var count = 0
    // SAFETY: the key is ours; the memory that comes back is adopted.
    guard let der = unsafe copenssl_key_encode(pointer, &count) else { throw OpenSSLError.take() }
    return unsafe SecretBytes(adopting: der, count: count)
  }
}
