// Connections of a listener that speaks TLS: from the ClientHello to the first request, and their rest
// between requests.
import Bytes
import HTTP
import IO
import Preamble
import TLS
import Telemetry

extension Worker {
  /// Serves a connection from its first byte on.
  func serveSecurely(
    _ fd: Int32, _ peer: SocketAddress, _ record: ConnectionRecord, _ listener: ClientListener,
    _ security: ListenerSecurity
  ) async {
    let deadline = state.reactor.now.advanced(by: security.handshakeMilliseconds)
    var socket = TCPStream(registered: fd, on: state.reactor)
    var received = state.buffers.borrow(.small)
    let outcome = await readHello(from: &socket, into: &received, until: deadline)
    switch outcome {
    case .complete(let hello):
      await terminate(
        socket, received: received, hello, peer, record, listener, security, until: deadline)
      return
    case .notTLS(isHTTP: true):
      let connection = ClientConnection(socket, from: peer, record, listener, state)
      await connection.refuse(
        ErrorAnswer(.badRequest, "this port speaks TLS: ask it by https, not by http"))
    case .refused(let error):
      Log.debug("\(peer): no TLS handshake: \(error.words)")
      await refuse(socket, with: error.alert)
    case .notTLS, .needMore, nil: break
    }
    state.connectionEnded(on: listener)
  }

  /// Nil when the client has gone or taken too long.
  private func readHello(
    from socket: inout TCPStream, into received: inout ByteBuffer, until deadline: Moment
  ) async -> ClientHelloReader.Outcome? {
    var reader = ClientHelloReader()
    while true {
      if received.tailroom == 0, received.capacity < BlockSize.large.rawValue {
        var larger = state.buffers.borrow(.large)
        larger.append(received)
        received = larger
      }
      switch socket.read(into: &received, limit: .max) {
      case .moved:
        let outcome = reader.read(received.bytes)
        if case .needMore = outcome { continue }
        return outcome
      case .blocked:
        guard case .ready = await state.reactor.wait(for: socket.readInterest, until: deadline)
        else { return nil }
      case .ended, .failed: return nil
      }
    }
  }

  /// Tells a client why there is no handshake, and closes.
  private func refuse(_ socket: consuming TCPStream, with alert: TLSAlert) async {
    var block = state.buffers.borrow(.small)
    alert.append(to: &block)
    _ = socket.write(from: &block, more: false)
    socket.finishWriting()
    let end = state.reactor.now.advanced(by: 1000)
    for _ in 0..<8 {
      block.reset()
      switch socket.read(into: &block, limit: .max) {
      case .moved: continue
      case .ended, .failed: return
      case .blocked:
        guard case .ready = await state.reactor.wait(for: socket.readInterest, until: end) else {
          return
        }
      }
    }
  }

  /// Shakes hands and serves the connection.
  ///
  /// - Parameter received: what has come of the connection, the ClientHello first.
  func terminate(
    _ socket: consuming TCPStream, received: consuming ByteBuffer, _ hello: ClientHello, _ peer: SocketAddress,
    _ record: ConnectionRecord, _ listener: ClientListener, _ security: ListenerSecurity,
    until deadline: Moment
  ) async {
    guard
      let certificate = security.certificate(for: hello.serverName, ecdsa: hello.offersECDSA)
    else {
      await refuse(socket, with: .unrecognizedName)
      return state.connectionEnded(on: listener)
    }
    let stream: TLSStream
    do throws(TLSFailure) {
      let session = try TLSSession(accepting: security.context)
      session.serverName = hello.serverName
      try session.use(certificate)
      stream = try await TLSStream.accept(
        socket, received: received, session, on: state.reactor, state.buffers, until: deadline)
    } catch {
      Log.debug("\(peer): no TLS handshake: \(error)")
      return state.connectionEnded(on: listener)
    }
    await serve(stream, peer, record, listener)
  }

  private func serve(
    _ stream: consuming TLSStream, _ peer: SocketAddress, _ record: ConnectionRecord,
    _ listener: ClientListener
  ) async {
    let session = stream.session
    let connection = ClientConnection(
      stream, from: peer, record, listener, state, tls: session)
    if case .idle = await connection.serve(), connection.stream.mayRest {
      let fd = connection.stream.detach()
      state.restingSessions[fd] = session
      state.park(fd, connection.record, listener.options)
    } else {
      state.connectionEnded(on: listener)
    }
  }

  /// Goes on with a connection that has rested.
  func serveWoken(_ client: WokenClient, _ session: TLSSession) async {
    let stream = TLSStream(
      registered: client.fd, session, on: state.reactor, state.buffers)
    guard let listener = state.listeners[client.record.listener] else { return }
    if client.isExpired { return state.connectionEnded(on: listener) }
    let peer = Sockets.peerAddress(of: client.fd) ?? .unix("")
    await serve(stream, peer, client.record, listener)
  }
}

extension WorkerState {
  /// The session of a parked client that has woken; nil when it speaks no TLS.
  func takeRestingSession(of fd: Int32) -> TLSSession? {
    restingSessions.isEmpty ? nil : restingSessions.removeValue(forKey: fd)
  }
}
