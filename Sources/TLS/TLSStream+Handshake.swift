// How a TLS stream comes about: the two ends shake hands within a deadline, and who is refused is told
// so by an alert that really arrives.
import Bytes
import IO

extension TLSStream {
  /// Accepts a connection.
  ///
  /// - Parameters:
  ///   - socket: closed if this throws.
  ///   - session: an accepting one, with a certificate.
  ///   - received: what has been read of the connection already.
  package static func accept(
    _ socket: consuming TCPStream, received: consuming ByteBuffer = ByteBuffer(),
    _ session: TLSSession, on reactor: Reactor, _ buffers: BufferPool, until deadline: Moment
  ) async throws(TLSFailure) -> TLSStream {
    var stream = TLSStream(socket, session, buffers, received: received)
    do {
      try await stream.shakeHands(on: reactor, until: deadline)
    } catch {
      if case .refused = error { await stream.leave(on: reactor, until: deadline) }
      throw error
    }
    return stream
  }

  /// Makes a connection that has been opened an encrypted one.
  ///
  /// - Parameter session: a connecting one, with its server's name.
  package static func connect(
    _ socket: consuming TCPStream, _ session: TLSSession, on reactor: Reactor,
    _ buffers: BufferPool, until deadline: Moment
  ) async throws(TLSFailure) -> TLSStream {
    var stream = TLSStream(socket, session, buffers)
    try await stream.shakeHands(on: reactor, until: deadline)
    return stream
  }

  private mutating func shakeHands(
    on reactor: Reactor, until deadline: Moment
  ) async throws(TLSFailure) {
    while let interest = try stepOfHandshake() {
      guard case .ready = await reactor.wait(for: interest, until: deadline) else {
        throw .timedOut
      }
    }
  }

  /// Gives the peer time to read the alert: a close with bytes unread would make the kernel send RST,
  /// which destroys what is on its way. 64 KiB and a second at most, as for answers.
  private mutating func leave(on reactor: Reactor, until deadline: Moment) async {
    socket.finishWriting()
    let end = min(deadline, reactor.now.advanced(by: 1000))
    var dropped = 0
    while drop(&dropped), dropped < 65536 {
      guard case .ready = await reactor.wait(for: socket.readInterest, until: end) else { return }
    }
  }
}
