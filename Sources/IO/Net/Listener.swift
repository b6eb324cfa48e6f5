// A listening socket of one worker.
import CLinux
import Glibc

/// Accepts connections. Worker-confined; closed when it ends.
package struct Listener: ~Copyable {
  private let fd: Int32
  private let reactor: Reactor
  /// The address it listens at, with the port the system chose for port 0.
  package let address: SocketAddress?

  /// Takes over a listening socket and registers it.
  ///
  /// - Parameter shared: the other workers listen on the same socket (a Unix socket's one queue), not
  ///   on sockets of their own that share the port.
  package init(_ socket: consuming Descriptor, shared: Bool, on reactor: Reactor)
    throws(SystemError)
  {
    try reactor.register(socket.number, as: shared ? .sharedListener : .listener)
    address = Sockets.localAddress(of: socket.number)
    fd = socket.release()
    self.reactor = reactor
  }

  deinit {
    // The same open socket may be with other workers, the supervisor, or another process.
    reactor.unregister(fd)
    _ = Glibc.close(fd)
  }

  package var interest: Interest { Interest(fd, .read) }

  /// Waits for nothing but the deadline: the pause after the process ran out of descriptors.
  package var pauseInterest: Interest { Interest(fd, []) }

  /// What an attempt to accept gave.
  package enum Outcome: ~Copyable {
    case accepted(Descriptor, SocketAddress)
    /// Nobody is waiting.
    case blocked
    /// This connection is gone already; the next may be fine.
    case aborted
    /// The process or the system has nothing left for a connection (EMFILE, ENFILE, ENOBUFS, ENOMEM).
    case exhausted(SystemError)
  }

  /// Takes one waiting connection.
  package mutating func accept() -> Outcome {
    var storage = sockaddr_storage()
    // SAFETY: accept4 writes at most the size of the storage.
    let result = unsafe clinux_accept(fd, &storage)
    if result >= 0 { return .accepted(Descriptor(adopting: result), SocketAddress(storage)) }
    let error = SystemError(code: -result)
    if error.isExhaustion { return .exhausted(error) }
    guard error.code == EAGAIN else { return .aborted }
    reactor.clear(fd, .read)
    return .blocked
  }
}
