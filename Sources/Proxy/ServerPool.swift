// Connections to one server that are kept between requests.
import Configuration
import HTTP
import IO
import Telemetry

/// A connection to a server. Worker-confined; closed when nobody holds it any more.
final class ServerConnection<Stream: ByteStream & ~Copyable> {
  var stream: Stream
  /// Whether it has served a request before, so that the server may have closed it meanwhile.
  var isReused = false
  fileprivate(set) var expiry = Moment.never

  init(_ stream: consuming Stream) {
    self.stream = stream
  }
}

/// A kind of stream that can be opened to a server.
protocol ServerStream: ByteStream, ~Copyable {
  /// Connects; tries to finish before `deadline`.
  static func connect(to address: SocketAddress, on reactor: Reactor, until deadline: Moment)
    async throws(ConnectError) -> Self

  /// The descriptor that is parked while the connection is idle.
  var descriptor: Int32 { get }

  /// Makes sure that nothing has come since the last message; false if something has, or the
  /// server has gone.
  func isQuiet() -> Bool
}

/// Why there is no connection to a server.
enum ConnectError: Error {
  /// No address is known for the server.
  case noAddress
  /// The system says no; the words are for the log.
  case failed(SystemError)
  case timedOut
}

/// One worker's connections to one server. The one used last is used first: it is warm, and the
/// others grow old enough to be closed.
final class ServerPool<Stream: ServerStream & ~Copyable>: Keeper {
  private var idle: [ServerConnection<Stream>] = []
  private let reactor: Reactor
  private var keeper: UInt16 = 0
  private let options: UpstreamOptions

  init(_ options: UpstreamOptions, on reactor: Reactor) {
    self.options = options
    self.reactor = reactor
    keeper = reactor.add(self)
  }

  deinit {
    // Closed, they are parked no more.
    idle.removeAll()
    reactor.remove(keeper: keeper)
  }

  /// Whether connections are kept at all.
  var keepsConnections: Bool { options.maxIdle > 0 }

  var idleCount: Int { idle.count }

  /// An idle connection that was alive when the kernel was last asked; nil if there is none.
  func takeIdle() -> ServerConnection<Stream>? {
    while let connection = idle.popLast() {
      reactor.unpark(connection.stream.descriptor)
      // Bytes nobody asked for, or the end: it is of no more use (behaviour 9).
      if !connection.stream.mayRead, connection.expiry > reactor.now { return connection }
    }
    return nil
  }

  /// Keeps a connection whose last response is complete.
  ///
  /// - Parameter seconds: how long the server says it keeps it (Keep-Alive: timeout).
  func giveBack(_ connection: ServerConnection<Stream>, keptFor seconds: UInt32?) {
    guard keepsConnections, connection.stream.isQuiet() else { return connection.stream.close() }
    if idle.count >= options.maxIdle { reactor.unpark(idle.removeFirst().stream.descriptor) }
    var milliseconds = Int64(options.idleTimeoutMilliseconds)
    // A second less than the server's own patience, so that it does not close just as we write.
    if let seconds { milliseconds = min(milliseconds, max(0, Int64(seconds) * 1000 - 1000)) }
    connection.isReused = true
    connection.expiry = reactor.now.advanced(by: milliseconds)
    idle.append(connection)
    reactor.park(connection.stream.descriptor, with: keeper, note: 0, until: connection.expiry)
  }

  /// An idle connection was closed by its server, sent something, or has become too old.
  func wake(_ fd: Int32, note: UInt64, _ wake: Wake) {
    idle.removeAll { $0.stream.descriptor == fd }
  }
}

extension TCPStream: ServerStream {
  var descriptor: Int32 { fd }

  static func connect(to address: SocketAddress, on reactor: Reactor, until deadline: Moment)
    async throws(ConnectError) -> TCPStream
  {
    let stream: TCPStream
    do {
      stream = try TCPStream(Sockets.connect(to: address), on: reactor)
    } catch {
      throw .failed(error)
    }
    guard case .ready = await reactor.wait(for: stream.writeInterest, until: deadline) else {
      throw .timedOut
    }
    if let error = stream.connectError() { throw .failed(error) }
    return stream
  }
}
