// The start of a connection on a listener that is not plain: a PROXY header, TLS, or a service of
// which nothing is understood. What comes of it:
//
//     PROXY header -> request in the clear ............................... served
//                  -> ClientHello -> its site is passed through .......... tunnelled
//                                 -> another name ........................ decrypted, and served
//                  -> a plain service .................................... tunnelled
import Bytes
import Configuration
import HTTP
import IO
import Preamble
import Telemetry

extension Worker {
  /// Begins a connection that has been registered and counted.
  func startWithPreamble(_ fd: Int32, _ peer: SocketAddress, _ record: ConnectionRecord) {
    Task {
      await self.serveFromStart(
        ConnectionStart(TCPStream(registered: fd, on: self.state.reactor), from: peer, self.state),
        record)
    }
  }

  private func serveFromStart(
    _ begun: consuming ConnectionStart, _ record: ConnectionRecord
  ) async {
    guard let listener = state.listeners[record.listener] else { return }
    var start = begun
    let options = listener.options
    if let senders = options.proxyProtocol {
      guard await start.readProxyHeader(from: senders) else {
        return state.connectionEnded(on: listener)
      }
    }
    if let service = state.plan.service(at: listener.address) {
      return await pass(start, to: service, at: RoutePlace(), nil, record, listener)
    }
    guard let tls = options.tls else {
      // A request in the clear that a PROXY header stood before.
      let (peer, facts) = (start.peer, start.facts)
      return await serve(start.stream, peer, record, facts, received: start.received)
    }
    let deadline = state.reactor.now.advanced(by: Int64(tls.handshakeTimeoutMilliseconds))
    guard let hello = await start.readHello(until: deadline) else {
      return state.connectionEnded(on: listener)
    }
    if let certificate = state.challenges?.certificate(for: hello) {
      await showChallenge(certificate, on: start, until: deadline)
      return state.connectionEnded(on: listener)
    }
    if let (route, place) = state.plan.passage(for: hello.serverName) {
      return await pass(start, to: route, at: place, hello, record, listener)
    }
    guard !tls.certificates.isEmpty else {
      await start.refuse(.unrecognizedName)
      return state.connectionEnded(on: listener)
    }
    await terminate(start, hello, record, listener, until: deadline)
  }

  /// Moves the bytes of a connection to a server and back, as they are.
  private func pass(
    _ start: consuming ConnectionStart, to route: RoutePlan, at place: RoutePlace,
    _ hello: ClientHello?, _ record: ConnectionRecord, _ listener: ClientListener
  ) async {
    let (peer, facts) = (start.peer, start.facts)
    let connection = ClientConnection(start.stream, from: peer, record, listener, state, facts)
    if !start.received.isEmpty { connection.input = start.received }
    await connection.pass(to: route, at: place, hello)
    state.connectionEnded(on: listener)
  }
}
