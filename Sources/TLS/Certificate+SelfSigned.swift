// Certificates that nobody vouches for: what clients see until an authority has sent the first one, and
// what an authority wants to see as an answer to its challenge (RFC 8737).
import COpenSSL

extension Certificate {
  /// The source of those that are made here.
  package static let selfSigned = "self-signed"

  /// A certificate with a key of its own.
  ///
  /// - Parameters:
  ///   - names: at least one.
  ///   - validity: seconds since 1970.
  ///   - acme: the 32 bytes of the critical extension acmeIdentifier (RFC 8737 3).
  package convenience init(
    selfSignedFor names: SubjectNames, validity: ClosedRange<Int>, acme: [UInt8]? = nil,
    kind: KeyKind = .ecdsa, cache: CertificateCache = .process
  ) throws(CertificateProblem) {
    precondition(acme == nil || acme?.count == 32)
    let (x509, key): (SecretBytes, SecretBytes)
    do throws(OpenSSLError) {
      let made = try PrivateKey.make(kind)
      x509 = try X509(selfSignedBy: made, for: names, validity, acme).encoded()
      key = try made.encoded()
    } catch {
      throw .brokenCertificate(error)
    }
    try self.init([x509], key: key, source: Self.selfSigned, cache: cache)
  }
}

extension X509 {
  fileprivate convenience init(
    selfSignedBy key: PrivateKey, for names: SubjectNames, _ validity: ClosedRange<Int>,
    _ acme: [UInt8]?
  ) throws(OpenSSLError) {
    // SAFETY: the names end with a NUL, and the digest has its 32 bytes; both are copied.
    let pointer = unsafe (acme ?? []).withUnsafeBufferPointer { digest in
      unsafe copenssl_x509_self_signed(
        key.pointer, names.lines, Int64(validity.lowerBound), Int64(validity.upperBound),
        acme == nil ? nil : digest.baseAddress)
    }
    guard let pointer = unsafe pointer else { throw OpenSSLError.take() }
    unsafe self.init(adopting: pointer)
  }
}

extension Certificate {
  /// The certificate alone, in DER.
  package var der: [UInt8] { leaf.bytes }

  /// The certificate, its chain and its key as the text of a PEM file. To be wiped by the caller.
  package var pem: [UInt8] {
    var text: [UInt8] = []
    for certificate in [leaf] + chain { text += PEM.text("CERTIFICATE", certificate) }
    return text + PEM.text("PRIVATE KEY", key)
  }
}
