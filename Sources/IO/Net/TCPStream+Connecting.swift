// A connection that we open: begun without blocking, and waited for until a deadline.

extension TCPStream {
  /// Why there is no connection to an address.
  package enum OpenError: Error {
    case failed(SystemError)
    case timedOut
  }

  /// Connects to an address.
  package static func open(
    to address: SocketAddress, on reactor: Reactor, until deadline: Moment
  ) async throws(OpenError) -> TCPStream {
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
