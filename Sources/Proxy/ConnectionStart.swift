// A connection of which nothing is known yet but its socket: reads what comes before the first request,
// and keeps what it has read for whoever goes on with the connection.
import Bytes
import HTTP
import IO
import Preamble
import Routing
import Telemetry

/// The first bytes of a client's connection. Worker-confined; closes the connection when it ends.
struct ConnectionStart: ~Copyable {
  var stream: TCPStream
  /// What has been read, less the PROXY header: for whoever goes on.
  var received = ByteBuffer()
  /// The socket's other end, or what a PROXY header says.
  private(set) var peer: SocketAddress
  /// What outlives the connection's task; nil when the socket tells everything.
  private(set) var facts: ConnectionFacts?
  private let worker: WorkerState

  /// How long a sender may take for a PROXY header (behaviour 39).
  static let proxyHeaderTimeout: Int64 = 3000

  init(_ stream: consuming TCPStream, from peer: SocketAddress, _ worker: WorkerState) {
    self.stream = stream
    self.peer = peer
    self.worker = worker
  }

  // MARK: The PROXY header

  /// Reads the header with which each connection has to begin.
  ///
  /// - Parameter senders: those who may send one.
  /// - Returns: whether the connection goes on. If not it is to be closed without a word: nobody
  ///   who has a right to be here sends no header.
  mutating func readProxyHeader(from senders: CIDRSet) async -> Bool {
    guard let sender = InternetAddress(peer), senders.contains(sender) else { return false }
    let deadline = worker.reactor.now.advanced(by: Self.proxyHeaderTimeout)
    while true {
      switch received.withBytes({ ProxyHeader.read($0) }) {
      case .complete(let header, let count):
        received.consume(count)
        if received.isEmpty { received = ByteBuffer() }
        take(header)
        return true
      case .refused(let error):
        note("a PROXY header is refused: \(error.words)")
        return false
      case .needMore:
        guard await readMore(until: deadline) else { return false }
      }
    }
  }

  private mutating func take(_ header: ProxyHeader) {
    guard case .proxied(let source, let destination) = header else { return }
    peer = SocketAddress(source)
    facts = ConnectionFacts(peer: peer, destination: SocketAddress(destination))
  }

  // MARK: The ClientHello

  /// Reads the first message of TLS, which stays in `received`.
  ///
  /// - Returns: nil when there is none: the client has been told what is wrong, if it can be.
  mutating func readHello(until deadline: Moment) async -> ClientHello? {
    var reader = ClientHelloReader()
    while true {
      switch received.withBytes({ reader.read($0) }) {
      case .complete(let hello):
        return hello
      case .refused(let error):
        note("a ClientHello is refused: \(error.words)")
        await refuse(error.alert)
        return nil
      case .notTLS(let isHTTP):
        if isHTTP { await answerPlainRequest() }
        return nil
      case .needMore:
        guard await readMore(until: deadline) else { return nil }
      }
    }
  }

  // MARK: Reading

  /// Waits for more and reads it behind what has come. False when nothing more comes in time.
  private mutating func readMore(until deadline: Moment) async -> Bool {
    while true {
      if !received.hasBlock { received = worker.buffers.borrow(.small) }
      // The readers refuse what is larger than a large block holds.
      guard worker.buffers.makeRoom(in: &received) else { return false }
      switch stream.read(into: &received, limit: .max) {
      case .moved: return true
      case .ended, .failed: return false
      case .blocked:
        if received.isEmpty { received = ByteBuffer() }
        guard case .ready = await worker.reactor.wait(for: stream.readInterest, until: deadline)
        else { return false }
      }
    }
  }

  // MARK: Ending

  /// Sends an alert and closes.
  mutating func refuse(_ alert: TLSAlert) async {
    var record = worker.buffers.borrow(.small)
    alert.append(to: &record)
    await sendLast(&record)
  }

  /// Tells whoever sent a request in the clear to a port for TLS.
  private mutating func answerPlainRequest() async {
    var buffer = worker.buffers.borrow(.small)
    let answer = ErrorAnswer(.badRequest, "plain HTTP was sent to a port for HTTPS")
    guard (try? answer.write(to: &buffer, unixSeconds: worker.unixSeconds)) != nil else { return }
    await sendLast(&buffer)
  }

  /// Sends a few bytes, then gives the client the time to read them: a close with bytes unread would
  /// make the kernel send RST, which destroys what is on its way. 64 KiB and a second at most.
  private mutating func sendLast(_ bytes: inout ByteBuffer) async {
    // One attempt: a fresh socket takes so little.
    guard case .moved = stream.write(from: &bytes, more: false) else { return }
    stream.finishWriting()
    let deadline = worker.reactor.now.advanced(by: 1000)
    var dropped = 0
    while dropped < 65536 {
      bytes.reset()
      switch stream.read(into: &bytes, limit: .max) {
      case .moved(let n): dropped += n
      case .ended, .failed: return
      case .blocked:
        guard case .ready = await worker.reactor.wait(for: stream.readInterest, until: deadline)
        else { return }
      }
    }
  }

  private func note(_ words: @autoclosure () -> String) {
    guard let suppressed = worker.preambleLimiter.admit(at: worker.reactor.now) else { return }
    Log.warning("\(peer): \(words())\(LogLimiter.note(suppressed))")
  }
}

extension SocketAddress {
  /// An address as a PROXY header has it.
  init(_ endpoint: Endpoint) {
    let address = endpoint.address
    self =
      address.isIPv4
      ? .v4(UInt32(truncatingIfNeeded: address.bits), port: endpoint.port)
      : .v6(high: address.high, low: address.low, scope: 0, port: endpoint.port)
  }
}

extension Endpoint {
  /// Nil for a Unix socket.
  init?(_ address: SocketAddress) {
    guard let host = InternetAddress(address) else { return nil }
    self.init(host, port: address.port)
  }
}
