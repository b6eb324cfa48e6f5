// Connections to one server that are kept between requests.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import TLS

/// A connection to a server. Worker-confined; closed when nobody holds it any more.
final class ServerConnection<Stream: ByteStream & ~Copyable> {
  var stream: Stream
  /// Whether it has served a request before, so that the server may have closed it meanwhile.
  var isReused = false
  /// Whether its last response was small, as the next one will probably be (`Reactor.fetch`).
  var answersAreSmall = true
  /// The name that its server has proved, by TLS; empty without.
  let name: [UInt8]
  fileprivate(set) var expiry = Moment.never
  /// The PROXY header it began with, for whose client alone it may be used; empty for none.
  let preamble: [UInt8]

  init(
    _ stream: consuming Stream, for name: [UInt8] = [], begunWith preamble: [UInt8] = []
  ) {
    self.stream = stream
    self.name = name
    self.preamble = preamble
  }
}

/// A kind of stream that servers are spoken to by.
protocol ServerStream: ByteStream, ~Copyable {
  /// The descriptor that is parked while the connection is idle.
  var descriptor: Int32 { get }

  /// Keeps a server's connection of this kind, whose last response is complete.
  static func keep(
    _ connection: ServerConnection<Self>, of server: UpstreamServer, for seconds: UInt32?)

  /// Makes sure that nothing has come since the last message; false if something has, or the
  /// server has gone.
  mutating func isQuiet() -> Bool
}

/// Why there is no connection to a server.
package enum ConnectError: Error {
  /// No address is known for the server.
  case noAddress
  /// The system says no; the words are for the log.
  case failed(SystemError)
  case timedOut
  /// TLS: the server is not who it should be, or does not take us for who we are. As above.
  case insecure(TLSFailure)
}

/// One worker's connections to one server. The one used last is used first: it is warm, and the
/// others grow old enough to be closed.
final class ServerPool<Stream: ServerStream & ~Copyable>: IdleOwner {
  private var idle: [ServerConnection<Stream>] = []
  private let keeper: PoolKeeper
  /// The number at the keeper; made when the first connection is kept.
  private var slot: Int?
  private var maxIdle: Int
  private var idleTimeout: Int64
  /// Whether connections begin with a PROXY header, and of which version.
  private var proxyProtocol: ProxyProtocolVersion?

  init(_ options: UpstreamOptions, with keeper: PoolKeeper) {
    self.keeper = keeper
    maxIdle = options.maxIdle
    idleTimeout = Int64(options.idleTimeoutMilliseconds)
    proxyProtocol = options.proxyProtocol
  }

  deinit { if let slot { keeper.remove(slot) } }

  /// The options have changed.
  func adopt(_ options: UpstreamOptions) {
    if proxyProtocol != options.proxyProtocol { closeIdle() }
    proxyProtocol = options.proxyProtocol
    maxIdle = options.maxIdle
    idleTimeout = Int64(options.idleTimeoutMilliseconds)
    while idle.count > maxIdle { keeper.reactor.unpark(idle.removeFirst().stream.descriptor) }
  }

  /// Closes what is idle, and keeps nothing from now on: the server is no member any more.
  func close() {
    maxIdle = 0
    closeIdle()
  }

  func closeIdle() {
    for connection in idle { keeper.reactor.unpark(connection.stream.descriptor) }
    idle.removeAll()
  }

  /// Whether connections are kept at all.
  var keepsConnections: Bool { maxIdle > 0 }

  var idleCount: Int { idle.count }

  /// An idle connection that was alive when the kernel was last asked; nil if there is none.
  ///
  /// - Parameter preamble: the PROXY header that it must have begun with; empty for none.
  func takeIdle(begunWith preamble: [UInt8]) -> ServerConnection<Stream>? {
    if preamble.isEmpty { return takeIdle() }
    while let place = idle.lastIndex(where: { $0.preamble == preamble }) {
      let connection = idle.remove(at: place)
      if isAlive(connection) { return connection }
    }
    return nil
  }

  /// The same, in a pool of connections that begin with none: all of a pool do, or each begins with one,
  /// since a reload that changes that empties it.
  func takeIdle() -> ServerConnection<Stream>? {
    while let connection = idle.popLast() {
      if isAlive(connection) { return connection }
    }
    return nil
  }

  /// Whether a connection, which is parked no more, can be used.
  private func isAlive(_ connection: ServerConnection<Stream>) -> Bool {
    keeper.reactor.unpark(connection.stream.descriptor)
    // Bytes nobody asked for, or the end: it is of no more use (behaviour 9).
    return !connection.stream.mayRead && connection.expiry > keeper.reactor.now
  }

  /// The same, of those whose server has proved a name.
  func takeIdle(
    for name: [UInt8], begunWith preamble: [UInt8] = []
  ) -> ServerConnection<Stream>? {
    while let place = idle.lastIndex(where: { $0.name == name && $0.preamble == preamble }) {
      let connection = idle.remove(at: place)
      if isAlive(connection) { return connection }
    }
    return nil
  }

  /// Keeps a connection whose last response is complete.
  ///
  /// - Parameter seconds: how long the server says it keeps it (Keep-Alive: timeout).
  func giveBack(_ connection: ServerConnection<Stream>, keptFor seconds: UInt32?) {
    // Not one of before a reload that has changed how connections begin.
    guard keepsConnections, connection.preamble.isEmpty == (proxyProtocol == nil),
      connection.stream.isQuiet()
    else { return connection.stream.close() }
    if idle.count >= maxIdle { keeper.reactor.unpark(idle.removeFirst().stream.descriptor) }
    var milliseconds = idleTimeout
    // A second less than the server's own patience, so that it does not close just as we write.
    if let seconds { milliseconds = min(milliseconds, max(0, Int64(seconds) * 1000 - 1000)) }
    connection.isReused = true
    connection.expiry = keeper.reactor.now.advanced(by: milliseconds)
    idle.append(connection)
    park(connection)
  }

  private func park(_ connection: ServerConnection<Stream>) {
    let slot = slot ?? keeper.add(self)
    self.slot = slot
    keeper.park(connection.stream.descriptor, slot, until: connection.expiry)
  }

  func wakeIdle(_ fd: Int32) {
    guard let place = idle.firstIndex(where: { $0.stream.descriptor == fd }) else { return }
    // TLS says things that are no data, a new ticket say.
    if idle[place].expiry > keeper.reactor.now, idle[place].stream.isQuiet() {
      park(idle[place])
    } else {
      idle.remove(at: place)
    }
  }
}

extension TCPStream {
  /// Sends a PROXY header as the first bytes of a connection. A new socket takes so little at once.
  package mutating func begin(with preamble: [UInt8], more: Bool) throws(ConnectError) {
    switch preamble.withBytes({ write($0, more: more) }) {
    case .moved(preamble.count): return
    case .failed(let error): throw .failed(error)
    case .moved, .blocked, .ended: throw .timedOut
    }
  }
}

extension TCPStream: ServerStream {
  var descriptor: Int32 { fd }

  static func keep(
    _ connection: ServerConnection<TCPStream>, of server: UpstreamServer, for seconds: UInt32?
  ) {
    server.pool.giveBack(connection, keptFor: seconds)
  }

  package static func connect(
    to address: SocketAddress, on reactor: Reactor, until deadline: Moment
  ) async throws(ConnectError) -> TCPStream {
    do throws(OpenError) {
      return try await open(to: address, on: reactor, until: deadline)
    } catch {
      switch error {
      case .failed(let error): throw .failed(error)
      case .timedOut: throw .timedOut
      }
    }
  }
}
