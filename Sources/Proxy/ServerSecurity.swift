// TLS towards a server: which name it must prove, the connections that were made for each name, and the
// tickets by which the next one costs no full handshake.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import TLS

/// TLS towards the servers of an upstream: made once for all workers at a start or a reload.
package struct ServerSecurity: Sendable, Equatable {
  package let context: TLSContext
  package let options: ServerTLS
  /// What servers that ask are shown; nil for nothing.
  package let certificates: CertificateStore?

  package init(context: TLSContext, options: ServerTLS, certificates: CertificateStore? = nil) {
    self.context = context
    self.options = options
    self.certificates = certificates
  }

  package static func == (left: ServerSecurity, right: ServerSecurity) -> Bool {
    left.context === right.context && left.options == right.options
      && left.certificates === right.certificates
  }

  /// The name to be proved, of a host with or without a port.
  package func name(of host: String) -> String { ServerName(host).text }

  /// Encrypts a connection that has been opened.
  ///
  /// - Parameter name: what the server must prove: a host or an address, without a port.
  package func connect(
    _ socket: consuming TCPStream, to name: String, resuming ticket: TLSTicket? = nil,
    on reactor: Reactor, _ buffers: BufferPool, until deadline: Moment
  ) async throws(TLSFailure) -> TLSStream {
    let session = try TLSSession(connecting: context)
    try session.setPeer(name, isAddress: InternetAddress(name) != nil)
    if let own = certificates?.standard(ecdsa: true) { try session.use(own) }
    if let ticket { session.resume(ticket) }
    return try await TLSStream.connect(socket, session, on: reactor, buffers, until: deadline)
  }
}

/// What a server of TLS has beside its plain self. Worker-confined.
final class SecureServer {
  let pool: ServerPool<TLSStream>
  /// The newest ticket for each name.
  private var tickets: [[UInt8]: TLSTicket] = [:]
  /// Names may be the clients' choice.
  static let mostTickets = 64

  init(_ options: UpstreamOptions, _ context: UpstreamContext) {
    pool = ServerPool(options, with: context.keeper)
  }

  func ticket(for name: [UInt8]) -> TLSTicket? {
    guard let ticket = tickets[name] else { return nil }
    if ticket.isFresh { return ticket }
    tickets[name] = nil
    return nil
  }

  /// Keeps what a session has been given.
  func keepTicket(of session: TLSSession, for name: [UInt8]) {
    guard let ticket = session.takeTicket() else { return }
    if tickets[name] == nil, tickets.count >= Self.mostTickets, let any = tickets.keys.first {
      tickets[any] = nil
    }
    tickets[name] = ticket
  }

  /// What servers must prove may have changed, and a ticket stands for what was proved before.
  func forget() {
    pool.closeIdle()
    tickets = [:]
  }
}

/// The name that a server must prove for a request.
struct ServerName {
  /// In small letters, without a port and brackets.
  let bytes: [UInt8]
  /// It is what the client has asked for: that a server does not have it is not the server's fault.
  let isOfClient: Bool

  /// - Parameter host: with or without a port.
  init(_ host: RawSpan, isOfClient: Bool) {
    let name = host.extracting(0..<host.hostEnd).withoutBrackets
    bytes = name.array().map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
    self.isOfClient = isOfClient
  }

  init(_ host: String) { self = Array(host.utf8).withBytes { ServerName($0, isOfClient: false) } }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension ClientConnection where Stream: ~Copyable {
  /// The Host that the server gets, unless the upstream names another.
  func serverName(
    at server: UpstreamServer, _ route: RoutePlan, _ security: ServerSecurity
  ) -> ServerName {
    if let name = security.options.serverName { return ServerName(name) }
    switch route.options.host {
    case .client where !request.host.isEmpty:
      return input.withBytes { ServerName($0.slice(request.host), isOfClient: true) }
    case .client, .server: return ServerName(server.authority)
    case .fixed(let name): return ServerName(name)
    }
  }
}

extension TLSStream: ServerStream {
  var descriptor: Int32 { readInterest.descriptor }

  static func keep(
    _ connection: ServerConnection<TLSStream>, of server: UpstreamServer, for seconds: UInt32?
  ) {
    server.secure?.pool.giveBack(connection, keptFor: seconds)
  }
}
