// What a key on the curve P-256 signs: requests to an authority, and requests for certificates.
import COpenSSL

extension PrivateKey {
  private static let signatureSize = 64

  /// The key in a PEM text.
  ///
  /// - Throws: when there is none, or none without a passphrase.
  package convenience init(pem: [UInt8]) throws(OpenSSLError) {
    guard let der = try PEM(pem).keys.first else {
      throw OpenSSLError(code: 0, description: "there is no key")
    }
    try self.init(der: der)
  }

  /// PKCS #8 as the text of a PEM file. To be wiped by the caller.
  package func pem() throws(OpenSSLError) -> [UInt8] { PEM.text("PRIVATE KEY", try encoded()) }

  /// The public key's coordinates: x and y, 32 bytes each. Nil when it is on another curve, or none.
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
      throw OpenSSLError.take()
    }
    return signature
  }

  /// Whether this is a signature of the bytes by this key.
  package func verify(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
    guard signature.count == Self.signatureSize else { return false }
    // SAFETY: the bytes are lent with their length, and 64 bytes are read of 64.
    return unsafe copenssl_key_verify(pointer, bytes, bytes.count, signature) == 1
  }

  /// A request for a certificate for one DNS name (RFC 2986), in DER.
  package func certificateRequest(for name: String) throws(OpenSSLError) -> [UInt8] {
    var count = 0
    // SAFETY: the name ends with a NUL; the memory that comes back is adopted.
    guard let der = unsafe copenssl_request_encode(pointer, name, &count) else {
      throw OpenSSLError.take()
    }
    return unsafe SecretBytes(adopting: der, count: count).bytes
  }
}

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
  /// The 32 bytes of the digest.
  package static func digest(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    // SAFETY: the bytes are lent for the call with their length; 32 bytes are written to 32.
    unsafe copenssl_sha256(bytes, bytes.count, &digest)
    return digest
  }
}
