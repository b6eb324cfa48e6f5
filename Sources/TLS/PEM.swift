// PEM files (RFC 7468): what stands between BEGIN and END, as certificates and keys in DER.
import COpenSSL

/// What a PEM file holds, in its order. Keys are only carried, never shown.
package struct PEM: Sendable {
  package private(set) var certificates: [SecretBytes] = []
  package private(set) var keys: [SecretBytes] = []
  /// Whether there is a key behind a passphrase.
  package private(set) var hasEncryptedKey = false

  /// Whether there is nothing of what certificates need: parameters, or no PEM at all.
  package var isEmpty: Bool { certificates.isEmpty && keys.isEmpty && !hasEncryptedKey }

  /// - Parameter bytes: of a whole file; text around the blocks is passed over.
  /// - Throws: when a block begins and is broken.
  package init(_ bytes: [UInt8]) throws(OpenSSLError) {
    var at = 0
    while let (kind, der) = try Self.block(bytes, &at) {
      switch kind {
      case COPENSSL_BLOCK_CERTIFICATE: certificates.append(der)
      case COPENSSL_BLOCK_KEY: keys.append(der)
      case COPENSSL_BLOCK_ENCRYPTED_KEY: hasEncryptedKey = true
      default: break
      }
    }
  }

  private static func block(
    _ bytes: [UInt8], _ at: inout Int
  ) throws(OpenSSLError) -> (copenssl_block, SecretBytes)? {
    var kind: Int32 = 0
    var der: UnsafeMutablePointer<UInt8>?
    var count = 0
    // SAFETY: the array's bytes live for the length of the call, which writes to these variables.
    let result = unsafe bytes.withUnsafeBufferPointer { bytes -> Int32 in
      guard let start = bytes.baseAddress else { return 0 }
      return unsafe copenssl_pem_next(start, bytes.count, &at, &kind, &der, &count)
    }
    if result == 0 { return nil }
    guard result > 0, let der = unsafe der else { throw OpenSSLError.take() }
    return unsafe (
      copenssl_block(UInt32(kind)), SecretBytes(adopting: der, count: count)
    )
  }
}
