// A private key on the curve P-256: what an account of an authority signs with, and what a
// certificate that we ask for is for.
import COpenSSL

/// A P-256 key. Confined to one thread; wiped when it ends.
@safe
package final class SigningKey {
  let pointer: OpaquePointer

  /// Bytes of a signature, of a point, and of a PEM text at most.
  static let signatureSize = 64
  static let pemSize = 1024

  private init(adopting pointer: OpaquePointer) { unsafe self.pointer = pointer }

  deinit { unsafe copenssl_key_free(pointer) }

  /// A new key.
  package static func generate() throws(OpenSSLError) -> SigningKey {
    // SAFETY: the library gives us the key, which `deinit` frees.
    guard let pointer = unsafe copenssl_key_generate() else { throw .take() }
    return unsafe SigningKey(adopting: pointer)
  }

  /// The key in a PEM text.
  ///
  /// - Throws: when there is none, it has a passphrase, or it is on another curve.
  package convenience init(pem: [UInt8]) throws(OpenSSLError) {
    // SAFETY: the bytes are lent for the call with their length; `deinit` frees the key.
    guard let pointer = unsafe copenssl_key_read(pem, pem.count) else { throw .take() }
    unsafe self.init(adopting: pointer)
    guard point != nil else {
      throw OpenSSLError(code: 0, description: "the key is on no curve P-256")
    }
  }

  /// PKCS 8 without a passphrase.
  package func pem() throws(OpenSSLError) -> [UInt8] {
    // SAFETY: at most the room's count is written.
    let text = unsafe [UInt8](unsafeUninitializedCapacity: Self.pemSize) { room, count in
      guard let base = room.baseAddress else { return }
      count = unsafe copenssl_key_write(pointer, base, room.count)
    }
    if text.isEmpty { throw .take() }
    return text
  }

  /// The public key's coordinates: x and y, 32 bytes each. Nil on another curve.
  package var point: (x: [UInt8], y: [UInt8])? {
    var bytes = [UInt8](repeating: 0, count: Self.signatureSize)
    // SAFETY: 64 bytes are written to 64.
    guard unsafe copenssl_key_point(pointer, &bytes) == 1 else { return nil }
    return (Array(bytes[..<32]), Array(bytes[32...]))
  }

  /// ES256 (RFC 7518 3.4): r and s, 32 bytes each.
  package func sign(_ bytes: [UInt8]) throws(OpenSSLError) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: Self.signatureSize)
    // SAFETY: the bytes are lent for the call with their length; 64 bytes are written to 64.
    guard unsafe copenssl_key_sign(pointer, bytes, bytes.count, &signature) == 1 else {
      throw .take()
    }
    return signature
  }

  /// Whether this is a signature of the bytes by this key.
  package func verify(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
    guard signature.count == Self.signatureSize else { return false }
    // SAFETY: the bytes are lent with their length, and 64 bytes are read of 64.
    return unsafe copenssl_key_verify(pointer, bytes, bytes.count, signature) == 1
  }
}

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
  /// The 32 bytes of the digest.
  package static func digest(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    // SAFETY: the bytes are lent for the call with their length; 32 bytes are written to 32.
    let done = unsafe copenssl_sha256(bytes, bytes.count, &digest)
    // It fails only where the library has no SHA-256, and with it no TLS.
    precondition(done == 1)
    return digest
  }
}
