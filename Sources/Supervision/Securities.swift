// What TLS needs beside certificates, made of a configuration: a context for each listener that
// terminates it, and one for each upstream that is spoken to by it. Files of authorities are read here,
// so a reload reads them again.
import Configuration
import IO
import Proxy
import TLS

/// The contexts of a configuration. Immutable once made.
struct Securities: Sendable {
  private(set) var listeners: [ListenAddress: ListenerSecurity] = [:]
  /// By the names of upstreams.
  private(set) var upstreams: [String: ServerSecurity] = [:]

  /// Of a configuration that speaks no TLS.
  init() {}

  /// - Parameters:
  ///   - keeper: has the certificates, now or when the configuration is in force.
  ///   - keys: the ticket keys of the process before, the newest of which was made at `time`.
  /// - Throws: every file that cannot be used, and every list of ciphers.
  init(
    of configuration: Configuration, by keeper: CertificateKeeper, inheriting keys: [UInt8] = [],
    from time: Int = 0
  ) throws(ReloadError) {
    var messages: [String] = []
    for listener in configuration.listeners {
      guard let tls = listener.options.tls, let store = keeper.store(for: tls.certificates) else {
        continue
      }
      do throws(OpenSSLError) {
        let keys = try keeper.makeTicketKeys(inheriting: keys, from: time)
        listeners[listener.address] = ListenerSecurity(
          context: try TLSContext(.init(tls), ticketKeys: keys), certificates: store,
          handshakeMilliseconds: Int64(tls.handshakeTimeoutMilliseconds))
      } catch {
        let file = tls.clientCA.map { ", client_ca \"\($0)\"" } ?? ""
        messages.append("listen \"\(listener.address)\"\(file): \(error)")
      }
    }
    // Most upstreams say the same.
    var known: [(options: ServerTLS, context: TLSContext)] = []
    for upstream in configuration.upstreams where upstream.servers.contains(where: \.isTLS) {
      let tls = upstream.options.tls
      do throws(OpenSSLError) {
        let same = known.first { $0.options.verify == tls.verify && $0.options.ca == tls.ca }
        let context: TLSContext
        if let same { context = same.context } else { context = try TLSContext(.init(tls)) }
        if same == nil { known.append((tls, context)) }
        upstreams[upstream.name] = ServerSecurity(
          context: context, options: tls,
          certificates: tls.clientCertificate.flatMap { keeper.store(for: [$0]) })
      } catch {
        let file = tls.ca.map { ", ca \"\($0)\"" } ?? ""
        messages.append("upstream \"\(upstream.name)\"\(file): \(error)")
      }
    }
    if !messages.isEmpty { throw ReloadError(messages: messages) }
  }
}

extension TLSContext.ServerOptions {
  init(_ tls: ListenerTLS) {
    self.init()
    minimumVersion = tls.minimumVersion.rawValue
    ciphers = tls.ciphers
    clientCA = tls.clientCA
    requiresCertificate = tls.clientVerification == .required
  }
}

extension TLSContext.ClientOptions {
  init(_ tls: ServerTLS) {
    self.init()
    verify = tls.verify
    ca = tls.ca
  }
}
