// The PROXY header that connections to a server begin with, where its upstream asks for one.
//
// A connection that began with a header speaks for one client for all its life. It is kept between
// requests, but only for requests whose own header would be the same to the last byte: those that
// come over the same connection of a client, or, behind trusted proxies that say who the client is,
// from the same client. So no server is ever told a wrong address.
import Bytes
import Configuration
import IO
import Preamble
import Routing
import TLS

extension ClientConnection where Stream: ~Copyable {
  /// The header for the servers of an upstream; empty where they expect none.
  ///
  /// - Parameter hello: of a connection that is passed on undecrypted.
  func proxyHeader(for upstream: UpstreamPlan, _ hello: ClientHello? = nil) -> [UInt8] {
    guard let version = upstream.options.proxyProtocol else { return [] }
    var details: ProxyHeaderDetails?
    if let hello {
      var told = ProxyHeaderDetails()
      told.serverName = hello.serverName
      told.alpn = hello.protocols
      details = told
    } else if version == .v2, let tls = facts?.tls {
      details = ProxyHeaderDetails(of: tls)
    }
    return version.header(connectionEnds, details)
  }

  /// Who the client is, and what it connected to. A client that trusted proxies name has no port that
  /// is known here.
  private var connectionEnds: ProxyHeader {
    let client: Endpoint?
    if let named = clientBehindProxies, named != InternetAddress(peer) {
      client = Endpoint(named, port: 0)
    } else {
      client = Endpoint(peer)
    }
    let local = facts?.destination ?? stream.localAddress
    guard let client, let local, let destination = Endpoint(local) else { return .local }
    return .proxied(source: client, destination: destination)
  }
}

extension ProxyHeaderDetails {
  /// What a client and rsp have agreed on.
  fileprivate init(of session: TLSSession) {
    self.init()
    serverName = session.serverName
    alpn = Array(session.applicationProtocol.utf8)
    var agreed = TLS(version: "\(session.protocolName)", cipher: session.cipherName)
    agreed.hasClientCertificate = session.hasPeerCertificate
    agreed.isResumed = session.wasResumed
    agreed.isClientVerified = session.clientVerification == "SUCCESS"
    tls = agreed
  }
}

extension ProxyProtocolVersion {
  /// The bytes of a header.
  func header(_ what: ProxyHeader, _ details: ProxyHeaderDetails? = nil) -> [UInt8] {
    let pool = BufferPool(keeping: 0)
    var buffer = pool.borrow(.small)
    switch self {
    case .v1: what.append1(to: &buffer)
    case .v2: what.append2(details, to: &buffer)
    }
    return buffer.withBytes { bytes in bytes.array() }
  }

  /// The header of a connection that is the proxy's own: a check.
  package var ownHeader: [UInt8] { header(.local) }
}
