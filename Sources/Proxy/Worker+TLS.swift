// Connections that are decrypted here: from the ClientHello to the first request, and their rest between
// requests.
import Bytes
import HTTP
import IO
import Preamble
import TLS
import Telemetry

extension Worker {
  /// Decrypts a connection from its ClientHello on, and serves it.
  func terminate(
    _ begun: consuming ConnectionStart, _ hello: ClientHello, _ record: ConnectionRecord,
    _ listener: ClientListener, until deadline: Moment
  ) async {
    var start = begun
    guard let security = listener.security,
      let certificate = security.certificate(for: hello.serverName, ecdsa: hello.offersECDSA)
    else {
      await start.refuse(.unrecognizedName)
      return state.connectionEnded(on: listener)
    }
    let (peer, known) = (start.peer, start.facts)
    let stream: TLSStream
    do throws(TLSFailure) {
      let session = try TLSSession(accepting: security.context)
      session.serverName = hello.serverName
      try session.use(certificate)
      stream = try await TLSStream.accept(
        start.stream, received: start.received, session, on: state.reactor, state.buffers,
        until: deadline)
    } catch {
      Log.debug("\(peer): no TLS handshake: \(error)")
      return state.connectionEnded(on: listener)
    }
    let facts = ConnectionFacts(peer: peer, destination: known?.destination, tls: stream.session)
    await serve(stream, record, facts, listener)
  }

  private func serve(
    _ stream: consuming TLSStream, _ record: ConnectionRecord, _ facts: ConnectionFacts,
    _ listener: ClientListener
  ) async {
    let connection = ClientConnection(stream, from: facts.peer, record, listener, state, facts)
    if case .idle = await connection.serve(), connection.stream.mayRest {
      let fd = connection.stream.detach()
      state.parkedFacts.keep(facts, of: fd)
      state.park(fd, connection.record, listener.options)
    } else {
      state.connectionEnded(on: listener)
    }
  }

  /// Goes on with a connection that has rested; one whose time is up is told goodbye.
  func serveWoken(
    _ client: WokenClient, _ facts: ConnectionFacts, _ session: TLSSession
  ) async {
    let stream = TLSStream(
      registered: client.fd, session, on: state.reactor, state.buffers)
    guard let listener = state.listeners[client.record.listener] else { return }
    if client.isExpired { return state.connectionEnded(on: listener) }
    await serve(stream, client.record, facts, listener)
  }
}
