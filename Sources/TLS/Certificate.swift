// A certificate with its chain and key, as a proxy with ten thousand of them can afford it: what is
// asked of all of them (names, times) is kept read, the rest as DER until a handshake needs it.
import COpenSSL
import IO
import Synchronization

/// A certificate that clients can be shown. Immutable but for a cache with a lock of its own: any thread
/// may use it.
package final class Certificate: Sendable {
  package let names: SubjectNames
  package let keyKind: KeyKind
  /// The seconds since 1970 in which it is valid.
  package let validity: ClosedRange<Int>
  /// SHA-256 of its DER.
  package let fingerprint: [UInt8]
  /// Where it is from, for messages: the path of its file, or what it is.
  package let source: String
  /// What is stapled for clients that ask for it.
  package let staple: OCSPStaple?
  let leaf: SecretBytes
  /// The certificates between it and the authority, the nearest first.
  let chain: [SecretBytes]
  let key: SecretBytes
  private let cache: CertificateCache
  private let loaded = Mutex<LoadedCertificate?>(nil)
  /// Atomic, a hint only: whether it was used since the cache last looked.
  private let isRecent = Atomic<Bool>(false)

  /// - Parameters:
  ///   - certificates: this one, then its chain, in DER.
  ///   - key: of any DER form.
  ///   - staple: makes what is to be stapled of the certificate and its issuer; the latter is nil
  ///     without a chain.
  package init(
    _ certificates: [SecretBytes], key: SecretBytes, source: String,
    cache: CertificateCache = .process,
    staple: (_ x509: X509, _ issuer: SecretBytes?) -> OCSPStaple? = { _, _ in nil }
  ) throws(CertificateProblem) {
    guard let leaf = certificates.first else { throw .noCertificate }
    let x509: X509
    do throws(OpenSSLError) { x509 = try X509(der: leaf) } catch { throw .brokenCertificate(error) }
    guard let validity = x509.validity else { throw .noValidity }
    let isOurs: Bool
    do throws(OpenSSLError) { isOurs = try x509.matches(keyDER: key) } catch {
      throw .brokenKey(error)
    }
    guard isOurs else { throw .mismatch(certificate: source) }
    names = x509.names
    keyKind = x509.keyKind
    self.validity = validity
    fingerprint = leaf.sha256
    self.source = source
    self.staple = staple(x509, certificates.dropFirst().first)
    self.leaf = leaf
    chain = Array(certificates.dropFirst())
    self.key = key
    self.cache = cache
  }

  /// Whether a request for this host may come over a connection that was shown this certificate
  /// (RFC 9110 7.4).
  ///
  /// - Parameter host: with or without a port.
  package func covers(_ host: RawSpan) -> Bool { names.cover(host) }

  /// Has a session show this certificate. Costs a millisecond when it is used for the first time in a
  /// while.
  ///
  /// - Parameter session: an `SSL` before its handshake, which is the caller's for the length of the
  ///   call.
  package func install(on session: OpaquePointer) throws(OpenSSLError) {
    let loaded = try objects()
    let response = staple.flatMap { Process.unixSeconds < $0.until ? $0.response : nil }
    // SAFETY: the session takes references of its own, and a copy of the response.
    let result = unsafe (response ?? []).withUnsafeBufferPointer {
      unsafe copenssl_session_use(
        session, loaded.x509.pointer, loaded.key.pointer, loaded.chain,
        response == nil ? nil : $0.baseAddress, $0.count)
    }
    guard result == 1 else { throw OpenSSLError.take() }
  }

  /// What OpenSSL works with; made when it is not there. Several threads that want it at the same time
  /// wait for the one that makes it.
  private func objects() throws(OpenSSLError) -> LoadedCertificate {
    var isNew = false
    let objects = try loaded.withLock { loaded throws(OpenSSLError) in
      if let loaded { return loaded }
      let made = try LoadedCertificate(leaf, chain, key)
      loaded = made
      isNew = true
      return made
    }
    if isNew {
      cache.add(self)
    } else if !isRecent.load(ordering: .relaxed) {
      isRecent.store(true, ordering: .relaxed)
    }
    return objects
  }

  /// Whether it was used since the last time this was asked.
  func takeRecency() -> Bool { isRecent.exchange(false, ordering: .relaxed) }

  /// Keeps only DER; sessions go on with what they have.
  func unload() { loaded.withLock { $0 = nil } }

  /// Whether it has objects now. For tests.
  package var isLoaded: Bool { loaded.withLock { $0 != nil } }
}

/// The objects that OpenSSL works with. Immutable.
@safe
private final class LoadedCertificate: @unchecked Sendable {
  let x509: X509
  let key: PrivateKey
  let chain: OpaquePointer

  init(_ leaf: SecretBytes, _ chain: [SecretBytes], _ key: SecretBytes) throws(OpenSSLError) {
    x509 = try X509(der: leaf)
    self.key = try PrivateKey(der: key)
    guard let list = unsafe copenssl_chain_new() else { throw OpenSSLError.take() }
    unsafe self.chain = unsafe list
    for der in chain {
      let next = try X509(der: der)
      guard unsafe copenssl_chain_add(list, next.pointer) == 1 else { throw OpenSSLError.take() }
    }
  }

  // SAFETY: the list is ours, and sessions have a copy.
  deinit { unsafe copenssl_chain_free(chain) }
}
