// A certificate as an object of OpenSSL, and what stands in it. It takes ten times the memory of its
// DER and 0.2 ms to make, so `Certificate` has one only while it is used.
import COpenSSL
import Routing

/// Which signatures a certificate's key makes.
package enum KeyKind: Sendable {
  case ecdsa, rsa, ed25519, other

  /// As `rsp status` writes it.
  package var name: String {
    switch self {
    case .ecdsa: "ECDSA"
    case .rsa: "RSA"
    case .ed25519: "Ed25519"
    case .other: "other"
    }
  }
}

/// A parsed certificate. Immutable, so threads may share it.
@safe
package final class X509: @unchecked Sendable {
  // OpenSSL counts references and only reads a certificate once it is made; what it caches in it has
  // a lock.
  let pointer: OpaquePointer

  init(adopting pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

  // SAFETY: our one reference.
  deinit { unsafe copenssl_x509_free(pointer) }

  package convenience init(der: SecretBytes) throws(OpenSSLError) {
    // SAFETY: as many bytes as there are, for the length of the call.
    let pointer = unsafe der.withPointer { unsafe copenssl_x509_parse($0, der.count) }
    guard let pointer = unsafe pointer else { throw OpenSSLError.take() }
    unsafe self.init(adopting: pointer)
  }

  package func encoded() throws(OpenSSLError) -> SecretBytes {
    var count = 0
    // SAFETY: the certificate is ours; the memory that comes back is adopted.
    guard let der = unsafe copenssl_x509_encode(pointer, &count) else { throw OpenSSLError.take() }
    return unsafe SecretBytes(adopting: der, count: count)
  }

  package var keyKind: KeyKind {
    switch unsafe copenssl_key_kind(UInt32(copenssl_x509_key_kind(pointer))) {
    case COPENSSL_KEY_ECDSA: .ecdsa
    case COPENSSL_KEY_RSA: .rsa
    case COPENSSL_KEY_ED25519: .ed25519
    default: .other
    }
  }

  /// Whether it may sign other certificates.
  package var isAuthority: Bool { unsafe copenssl_x509_is_authority(pointer) != 0 }

  /// The seconds since 1970 between which it is valid.
  package var validity: ClosedRange<Int>? {
    var (from, until): (Int64, Int64) = (0, 0)
    // SAFETY: writes to the two variables.
    guard unsafe copenssl_x509_times(pointer, &from, &until) != 0, from <= until else {
      return nil
    }
    return Int(from)...Int(until)
  }

  /// The names it is for, as `SubjectNames` reads them.
  package var names: SubjectNames {
    let size = unsafe copenssl_x509_names(pointer, nil, 0)
    var room = [CChar](repeating: 0, count: size)
    // SAFETY: writes at most as many bytes as there is room for.
    _ = unsafe room.withUnsafeMutableBufferPointer {
      unsafe copenssl_x509_names(pointer, $0.baseAddress, size)
    }
    return SubjectNames(lines: room.map { UInt8(bitPattern: $0) })
  }

  /// Whether a key is the one of this certificate.
  package func matches(_ key: PrivateKey) -> Bool {
    unsafe copenssl_x509_matches(pointer, key.pointer) != 0
  }

  /// Whether the DER of a key is that of this certificate's key.
  func matches(keyDER der: SecretBytes) throws(OpenSSLError) -> Bool {
    // SAFETY: as many bytes as there are, for the length of the call.
    if unsafe der.withPointer({ unsafe copenssl_x509_is_seen_in(pointer, $0, der.count) }) != 0 {
      return true
    }
    return matches(try PrivateKey(der: der))
  }
}
