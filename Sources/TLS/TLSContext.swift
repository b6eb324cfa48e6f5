// What the TLS connections of a listener, or those to an upstream, have in common: versions, ciphers,
// authorities, ticket keys. Certificates are not among it: each connection is given its own.
import COpenSSL
import IO

/// Immutable once made. Any thread may use it.
@safe
package final class TLSContext: @unchecked Sendable {
  // SAFETY: OpenSSL reads a context from many threads once it is set up, which `init` does.
  let handle: OpaquePointer
  // Used by the callbacks of `handle`.
  private let ticketKeys: TicketKeys?

  /// What a listener says about its TLS.
  package struct ServerOptions: Sendable, Equatable {
    /// 0x0303 for TLS 1.2, 0x0304 for TLS 1.3.
    package var minimumVersion = 0x0303
    /// OpenSSL's list for TLS 1.2; nil for the built-in one.
    package var ciphers: String?
    /// The PEM file of authorities that clients' certificates must come from; nil asks for none.
    package var clientCA: String?
    /// Whether a client without a good certificate is refused.
    package var requiresCertificate = true
    /// By ALPN, best first.
    package var protocols = ["http/1.1"]

    package init() {}
  }

  /// What an upstream says about its TLS.
  package struct ClientOptions: Sendable, Equatable {
    /// Whether servers' certificates are verified.
    package var verify = true
    /// The PEM file of authorities; nil for the system's.
    package var ca: String?
    package var protocols = ["http/1.1"]

    package init() {}
  }

  /// A context to accept connections with.
  ///
  /// - Parameter ticketKeys: those of the process; nil makes no tickets that outlive the context.
  package init(
    _ options: ServerOptions, ticketKeys: TicketKeys? = nil
  ) throws(OpenSSLError) {
    let version = Int32(options.minimumVersion)
    let made: OpaquePointer?
    if let ciphers = options.ciphers {
      unsafe made = copenssl_server_context(version, ciphers)
    } else {
      unsafe made = copenssl_server_context(version, nil)
    }
    guard let made = unsafe made else { throw .take() }
    unsafe handle = made
    self.ticketKeys = ticketKeys
    try set(options.protocols)
    try unsafe ticketKeys?.attach(to: copenssl_context_of_openssl(handle))
    guard let path = options.clientCA else { return }
    let isRequired = options.requiresCertificate
    guard unsafe copenssl_context_ask_clients(handle, path, isRequired ? 1 : 0) == 1 else {
      throw .take()
    }
    // A ticket stands for the certificate that its client has shown: it is good only where the same
    // is asked for. 32 bytes is the most that OpenSSL holds (SSL_MAX_SID_CTX_LENGTH).
    let authorities = (try? Files.read(path, limit: 1 << 20)) ?? nil
    let scope = Self.digest(Array("\(isRequired) \(path) ".utf8) + (authorities ?? []))
    unsafe copenssl_context_set_session_scope(handle, scope, scope.count)
  }

  /// A context to connect to servers with.
  package init(_ options: ClientOptions) throws(OpenSSLError) {
    guard let made = unsafe copenssl_client_context() else { throw .take() }
    unsafe handle = made
    ticketKeys = nil
    try set(options.protocols)
    if options.verify {
      if let path = options.ca {
        guard unsafe copenssl_context_trust_file(handle, path) == 1 else { throw .take() }
      } else {
        guard unsafe copenssl_context_trust_system(handle) == 1 else { throw .take() }
      }
      unsafe copenssl_context_verify_servers(handle)
    }
  }

  deinit { unsafe copenssl_context_free(handle) }

  private func set(_ protocols: [String]) throws(OpenSSLError) {
    let list = Self.list(of: protocols)
    guard unsafe copenssl_context_set_protocols(handle, list, list.count) == 1 else {
      throw .take()
    }
  }

  /// RFC 7301 3.1: each name behind its length.
  static func list(of protocols: [String]) -> [UInt8] {
    protocols.flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) }
  }

  /// Sixteen bytes that differ for different bytes.
  private static func digest(_ bytes: [UInt8]) -> [UInt8] {
    // FNV-1a, twice; nobody who could choose the bytes gains by making two alike.
    var (first, second) = (UInt64(0xcbf2_9ce4_8422_2325), UInt64(0x8422_2325_cbf2_9ce4))
    for byte in bytes {
      first = (first ^ UInt64(byte)) &* 0x100_0000_01b3
      second = (second ^ UInt64(byte)) &* 0x100_0000_01b3 &+ 1
    }
    return [first, second].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
  }
}
