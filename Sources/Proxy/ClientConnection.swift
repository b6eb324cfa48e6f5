// A client's connection from its first byte to its last: one task while it is busy, none while it
// is idle.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import TLS

/// What is kept of a client's connection while it is idle, packed into its slot's note.
struct ConnectionRecord {
  /// Which listener accepted it.
  var listener: UInt8
  /// Requests it has made, at most 2^24 - 1.
  var requests: UInt32
  /// Seconds on the worker's clock when it was accepted, modulo 2^32.
  var acceptedAt: UInt32

  init(listener: UInt8, requests: UInt32, acceptedAt: UInt32) {
    self.listener = listener
    self.requests = min(requests, 0xff_ffff)
    self.acceptedAt = acceptedAt
  }

  init(note: UInt64) {
    listener = UInt8(truncatingIfNeeded: note)
    requests = UInt32(truncatingIfNeeded: note >> 8 & 0xff_ffff)
    acceptedAt = UInt32(truncatingIfNeeded: note >> 32)
  }

  var note: UInt64 {
    UInt64(listener) | UInt64(min(requests, 0xff_ffff)) << 8 | UInt64(acceptedAt) << 32
  }
}

/// A busy connection of a client. Worker-confined; closed when it ends.
final class ClientConnection<Stream: ByteStream & ~Copyable> {
  // In the order of their use: what every request touches stands together, so that it lies in few
  // cache lines, and what is the listener's or the worker's is not copied (docs/decisions/0028).
  var stream: Stream
  let worker: WorkerState
  let reactor: Reactor
  let listener: ClientListener
  let request: RequestHead
  /// What `response` is kept in.
  var lent: LentHead
  var record: ConnectionRecord
  /// The parsers of heads that have come in part.
  var requestParser: HeadInProgress?
  var responseParser: HeadInProgress?
  /// Received bytes that belong to the request in progress or to the next ones.
  var input = ByteBuffer()
  /// How much of the input the present request has taken, head and body.
  var inputUsed = 0
  /// The route of the present request, once it has been found; until then the last one's.
  var route: MatchedRoute?
  /// Where that stands in the tables of its plan.
  var place = RoutePlace()
  /// The peer is a proxy whose word about the client is believed.
  let trustsPeer: Bool
  /// The present request's offer to change the protocol is passed on.
  var offersUpgrade = false
  /// The present request cannot be sent again: bytes of its body were taken from the client that are
  /// kept nowhere, or the client has had an interim response.
  var cannotReplay = false
  /// Its bytes are passed on as they are: nothing of it is a request.
  var isPassed = false
  /// What the present request has of its upstream.
  var turn = ServerTurn()
  /// The body on its way to the server, with its head before it.
  var upload: BodyRelay
  /// The body on its way to the client, with its head before it.
  var download: BodyRelay
  /// The groups of the route's expression, when something needs them.
  var groups: MatchedGroups?
  /// The forwarding lines that are the same for all requests; kept from the second on.
  var forwardingLines = KeptLines()
  /// The present request's identifier.
  var identifier = RequestIdentifier()
  /// What the present request asks for, in its normal form, before the route changes it.
  var normalTarget = ForwardTarget.received(.empty)
  /// What is known of the client by TLS; nil when it speaks none.
  let tls: TLSSession?
  /// What is known of the connection beside its socket; nil of most.
  let facts: ConnectionFacts?
  /// The socket's other end, or what a PROXY header said.
  let peer: SocketAddress
  /// The client of the present request as trusted proxies name it; nil when the peer is not trusted.
  var clientBehindProxies: InternetAddress?
  /// The identifier that a trusted proxy has given the present request.
  var keptIdentifier: ByteRange?

  /// The response in progress; the worker's empty one while there is none.
  var response: ResponseHead { lent.head }

  /// How a busy connection's task ends.
  enum Ending { case closed, idle }

  init(
    _ stream: consuming Stream, from peer: SocketAddress, _ record: ConnectionRecord,
    _ listener: ClientListener, _ worker: WorkerState, _ facts: ConnectionFacts? = nil
  ) {
    self.facts = facts
    self.stream = stream
    self.peer = peer
    tls = facts?.tls
    self.record = record
    self.listener = listener
    self.worker = worker
    trustsPeer = listener.trusts(peer)
    request = worker.requests.borrow()
    lent = LentHead(worker.noResponse)
    reactor = worker.reactor
    upload = BodyRelay(worker)
    download = BodyRelay(worker)
  }

  deinit {
    worker.requests.giveBack(request)
    giveBackResponse()
  }

  /// Serves one request after another until the connection is done or has nothing to do.
  func serve() async -> Ending {
    while true {
      switch await receiveRequest() {
      case .complete:
        record.requests += 1
        let disposition: Disposition
        switch admit() {
        case .forward(let route, let target): disposition = await forward(to: route, target)
        case .respond(let route): disposition = await give(route.response, on: route)
        case .answer(let answer): disposition = await self.answer(answer)
        }
        switch disposition {
        case .persist:
          giveBackResponse()
          takeRequestOutOfInput()
          continue
        case .linger:
          if await settleLast() { await finish() }
        case .close:
          guard await settleLast() else { break }
          // A client that asked to go on may be sending the next request already.
          if request.keepAlive || stream.mayRead { await finish() } else { stream.finishWriting() }
        case .cut: break
        }
        return .closed
      case .idle:
        return listener.letsRest(record) ? .idle : .closed
      case .refused(let error):
        await refuse(error)
        return .closed
      case .timedOut:
        await refuse(nil)
        return .closed
      case .closed:
        return .closed
      }
    }
  }

  /// What is left in the input is the next request.
  private func takeRequestOutOfInput() {
    input.consume(inputUsed)
    // The body's end may have been received with the beginning of the next request.
    if upload.hasSurplus { input = upload.takeSurplus() }
  }

  // MARK: Reading a request head

  private enum Reception {
    case complete, idle, closed, timedOut
    case refused(RequestError)
  }

  /// How long a connection without a request keeps its task.
  private static var patience: Int64 { 100 }

  // Part of `serve`, like `forward`: an async function of its own has a frame to be made each time.
  @inline(__always)
  private func receiveRequest() async -> Reception {
    if input.isEmpty {
      // An idle connection holds no block.
      input = ByteBuffer()
      if !stream.mayRead {
        let parkAt = reactor.now.advanced(by: Self.patience)
        guard case .ready = await reactor.wait(for: stream.messageInterest, until: parkAt) else {
          return .idle
        }
        if stream.hasUnsent, await !sendRest() { return .closed }
      }
      input = worker.buffers.borrow(.small)
    }
    let deadline = reactor.now.advanced(by: Int64(listener.options.headTimeoutMilliseconds))
    var mayParse = !input.isEmpty
    while true {
      if mayParse {
        do {
          if try parseRequest() { return .complete }
        } catch {
          return .refused(error)
        }
      }
      // Behind the part of a head that has come.
      guard worker.buffers.makeRoom(in: &input) else { return .refused(.fieldsTooLarge) }
      switch stream.read(into: &input, limit: .max) {
      case .moved:
        mayParse = true
      case .blocked:
        mayParse = false
        if input.isEmpty { return .idle }
        guard await waitForRest(until: deadline) else { return .timedOut }
      case .ended, .failed:
        return .closed
      }
    }
  }

  // Apart, because a wait takes room in the frame of the function that waits (docs/decisions/0028).
  @inline(never)
  private func waitForRest(until deadline: Moment) async -> Bool {
    if case .ready = await reactor.wait(for: stream.readInterest, until: deadline) { return true }
    return false
  }

  /// Sends the last response if it was posted. False if it cannot be written in time.
  @inline(__always)
  private func settleLast() async -> Bool {
    if stream.settle(isLast: true) { return true }
    return await sendRest()
  }

  /// Writes what did not leave of the last response. False if it cannot be written in time.
  @inline(never)
  private func sendRest() async -> Bool {
    var rest = worker.buffers.borrow(.small)
    rest.append(stream.takeUnsent())
    let patience = route?.options.writeTimeoutMilliseconds ?? 10_000
    return await write(&rest, until: reactor.now.advanced(by: Int64(patience)))
  }

  // MARK: Ending

  /// Whether the connection may stay open after the present exchange.
  var mayPersist: Bool {
    request.keepAlive && !listener.isClosing
      && Int(record.requests) < listener.options.keepaliveRequests
      && age < Int64(listener.options.keepaliveTimeMilliseconds)
  }

  private var age: Int64 {
    let now = UInt32(truncatingIfNeeded: reactor.now.milliseconds / 1000)
    return Int64(now &- record.acceptedAt) * 1000
  }

  /// Answers a request that could not be understood, or nil: did not arrive in time, and closes.
  @inline(never)
  private func refuse(_ error: RequestError?) async {
    let late = ErrorAnswer(.requestTimeout, "the request did not arrive in time")
    await send(error.map { ErrorAnswer($0) } ?? late, isHead: false)
    await finish()
  }

  /// Sends an answer of the proxy's own.
  ///
  /// - Returns: whether it was sent in full.
  @discardableResult
  func send(_ answer: ErrorAnswer, isHead: Bool) async -> Bool {
    var buffer = worker.buffers.borrow(.small)
    do { try answer.write(to: &buffer, unixSeconds: worker.unixSeconds, isHead: isHead) } catch {
      return false
    }
    let deadline = reactor.now.advanced(by: 10_000)
    return await write(&buffer, until: deadline)
  }

  /// Writes a whole buffer to the client.
  ///
  /// - Returns: false when the client has gone or takes too long.
  func write(_ buffer: inout ByteBuffer, until deadline: Moment) async -> Bool {
    while !buffer.isEmpty {
      switch stream.write(from: &buffer, more: false) {
      case .moved: continue
      case .ended, .failed: return false
      case .blocked:
        guard case .ready = await reactor.wait(for: stream.writeInterest, until: deadline) else {
          return false
        }
      }
    }
    return true
  }

  /// Closes so that the client gets what was sent: a close with bytes unread makes the kernel send
  /// RST, which would destroy the answer on its way. So the client is told that we are done, and
  /// what it still sends is dropped: 64 KiB and a second at most (behaviour 8).
  @inline(never)
  func finish() async {
    stream.finishWriting()
    let deadline = reactor.now.advanced(by: 1000)
    var dropped = 0
    while dropped < 65536 {
      var block = worker.buffers.borrow(.small)
      switch stream.read(into: &block, limit: .max) {
      case .moved(let n): dropped += n
      case .ended, .failed: return
      case .blocked:
        guard case .ready = await reactor.wait(for: stream.readInterest, until: deadline) else {
          return
        }
      }
    }
    _ = await reactor.wait(for: stream.hangupInterest, until: deadline)
  }
}
