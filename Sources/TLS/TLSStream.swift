// A TLS connection as a stream of plain bytes. One receive takes as many records as have come, one
// send carries as many as the caller has bytes for; blocks are borrowed while bytes are in flight.
//
// A write has a difficulty that plain sockets do not have: once bytes are encrypted they have to leave,
// in order, but the socket may take only a part. The rest waits in `outgoing`, and the plain bytes it
// stands for (`debt`) stay in the caller's buffer until it has gone. So whoever has bytes left knows
// that it must come back, and nothing is said to be sent that is not.
import Bytes
import Glibc
import IO

/// An encrypted connection. Worker-confined; says close_notify and closes when it ends.
package struct TLSStream: ~Copyable, ByteStream {
  var socket: TCPStream
  package let session: TLSSession
  let buffers: BufferPool
  /// Received, and not understood yet.
  var incoming = ByteBuffer()
  /// Encrypted, and not sent yet.
  var outgoing = ByteBuffer()
  /// How many plain bytes at the front of the next write are in `outgoing` already.
  private var debt = 0
  private(set) var state: State = []

  struct State: OptionSet {
    let rawValue: UInt8
    /// The handshake is complete.
    static let isOpen = State(rawValue: 1)
    /// A read would give something without another byte from the socket.
    static let hasPlain = State(rawValue: 2)
    /// The peer has said close_notify.
    static let hasEnded = State(rawValue: 4)
    /// The peer broke the protocol, or the connection.
    static let hasFailed = State(rawValue: 8)
    /// We have said close_notify, or an alert that ends the connection.
    static let isFinished = State(rawValue: 16)
    /// The socket is to be shut down when `outgoing` has left.
    static let shutsDown = State(rawValue: 32)
    /// The end is to look like a failure.
    static let isAborted = State(rawValue: 64)
  }

  /// - Parameter received: bytes of the connection that have been read from the socket before.
  init(
    _ socket: consuming TCPStream, _ session: TLSSession, _ buffers: BufferPool,
    received: consuming ByteBuffer = ByteBuffer()
  ) {
    self.socket = socket
    self.session = session
    self.buffers = buffers
    incoming = received
  }

  /// Goes on with a connection that was parked.
  package init(
    registered fd: Int32, _ session: TLSSession, on reactor: Reactor, _ buffers: BufferPool
  ) {
    session.wake()
    self.init(TCPStream(registered: fd, on: reactor), session, buffers)
    state = .isOpen
  }

  deinit {
    guard socket.fd >= 0, state.contains(.isOpen), outgoing.isEmpty, !session.hasSpill,
      state.isDisjoint(with: [.isFinished, .hasFailed, .isAborted])
    else { return }
    // So that the peer knows that nothing is missing; who has gone does not mind.
    var farewell = buffers.borrow(.small)
    session.finish(&farewell)
    socket.sendLast(farewell.bytes)
  }

  package mutating func close() {
    finishWriting()
    socket.close()
  }

  /// Whether the connection can rest: nothing of it is under way.
  package var mayRest: Bool {
    state == .isOpen && incoming.isEmpty && outgoing.isEmpty && debt == 0 && !session.hasSpill
  }

  /// Leaves the socket open and registered, to be parked beside the session, which rests until a
  /// stream is made of both again.
  ///
  /// - Precondition: `mayRest`.
  package mutating func detach() -> Int32 {
    session.rest()
    return socket.detach()
  }

  // MARK: Reading

  package var mayRead: Bool {
    state.contains(.hasPlain) || socket.mayRead || owesAnswer && socket.mayWrite
  }

  package var readInterest: Interest {
    var interest = socket.readInterest
    if owesAnswer { interest.wanted.formUnion(.write) }
    return interest
  }

  /// What the peer is to be told because of what it said: keys that change, alerts.
  private var owesAnswer: Bool { debt == 0 && !outgoing.isEmpty }

  package mutating func read(into buffer: inout ByteBuffer, limit: Int) -> Transfer {
    if state.contains(.hasEnded) { return .ended }
    if state.contains(.hasFailed) { return .failed(Self.broken) }
    guard limit > 0, buffer.tailroom > 0 else { return .failed(SystemError(code: ENOBUFS)) }
    while true {
      if !incoming.isEmpty || state.contains(.hasPlain) {
        let before = buffer.count
        let progress = session.read(&incoming, into: &buffer, limit: limit)
        afterReading()
        switch progress {
        case .done: return .moved(buffer.count - before)
        case .wantsRead: break
        case .wantsWrite: return .blocked
        case .ended:
          state.insert(.hasEnded)
          return .ended
        case .failed: return fail()
        }
      }
      if let outcome = receive() { return outcome }
    }
  }

  /// Notes what a call has left behind.
  private mutating func afterReading() {
    if session.hasSpill { answer() }
    if session.hasPlain || !incoming.isEmpty {
      state.insert(.hasPlain)
    } else {
      state.remove(.hasPlain)
    }
    // An idle connection holds no block.
    if incoming.isEmpty, incoming.hasBlock { incoming = ByteBuffer() }
  }

  /// Receives more; nil when something has come.
  private mutating func receive() -> Transfer? {
    if owesAnswer { _ = flush(more: false) }
    guard socket.mayRead else { return .blocked }
    if !incoming.hasBlock { incoming = buffers.borrow(.wire) }
    incoming.compact()
    switch socket.read(into: &incoming, limit: .max) {
    case .moved: return nil
    case .blocked:
      if incoming.isEmpty { incoming = ByteBuffer() }
      return .blocked
    case .ended:
      // RFC 8446 6.1: without close_notify somebody may have cut the connection off, so a body that
      // ends with it must not look whole.
      state.insert(.hasFailed)
      incoming = ByteBuffer()
      return .failed(Self.broken)
    case .failed(let error):
      state.insert(.hasFailed)
      incoming = ByteBuffer()
      return .failed(error)
    }
  }

  private static var broken: SystemError { SystemError(code: ECONNRESET) }

  private mutating func fail() -> Transfer {
    // The alert that says why has been sent, or cannot be.
    state.formUnion([.hasFailed, .isFinished])
    return .failed(SystemError(code: EPROTO))
  }

  /// Sends what a read had to answer.
  private mutating func answer() {
    // Behind bytes that wait there may be no room; then it waits in the session.
    if !outgoing.hasBlock { outgoing = buffers.borrow(.small) }
    session.takeSpill(to: &outgoing)
    _ = flush(more: false)
  }

  package mutating func hasUnreadBytes() -> Bool {
    guard state.isDisjoint(with: [.hasEnded, .hasFailed]) else { return false }
    while true {
      if !incoming.isEmpty || state.contains(.hasPlain) {
        let progress = session.peek(&incoming)
        afterReading()
        switch progress {
        case .done: return true
        case .wantsRead: break
        case .wantsWrite: return false
        case .ended:
          state.insert(.hasEnded)
          return false
        case .failed:
          _ = fail()
          return false
        }
      }
      guard receive() == nil else { return false }
    }
  }

  /// Whether nothing has come but what the two ends of TLS say to each other.
  package mutating func isQuiet() -> Bool {
    !hasUnreadBytes() && !isHungUp && state == .isOpen && outgoing.isEmpty
  }

  // MARK: Writing

  package var writeInterest: Interest { socket.writeInterest }

  package mutating func write(from buffer: inout ByteBuffer, more: Bool) -> Transfer {
    guard state.isDisjoint(with: [.hasFailed, .isFinished]) else {
      return .failed(SystemError(code: EPIPE))
    }
    if !outgoing.isEmpty || debt > 0 {
      guard debt <= buffer.count else { return fail() }
      let outcome = flush(more: more)
      let paid = pay(from: &buffer, sent: outcome.moved)
      if paid > 0 { return .moved(paid) }
      if !outgoing.isEmpty { return outcome }
    }
    if buffer.isEmpty { return .moved(0) }
    if session.hasSpill {
      // Encrypted before what is to be written now, so it has to leave before.
      answer()
      if !outgoing.isEmpty { return .blocked }
    }
    let count = min(buffer.count, BlockSize.large.rawValue)
    let records = (count + Self.record - 1) / Self.record
    let isSmall = count + records * Self.frame <= BlockSize.small.rawValue
    outgoing = buffers.borrow(isSmall ? .small : .wire)
    guard case .done = session.write(buffer.bytes.extracting(0..<count), to: &outgoing) else {
      return fail()
    }
    debt = count
    let outcome = flush(more: more)
    let paid = pay(from: &buffer, sent: outcome.moved)
    return paid > 0 ? .moved(paid) : outcome.moved > 0 ? .blocked : outcome
  }

  /// Takes plain bytes that have left from the buffer; the last one only when all have, so that there
  /// is something to come back for.
  private mutating func pay(from buffer: inout ByteBuffer, sent: Int) -> Int {
    let paid = outgoing.isEmpty ? debt : min(sent, max(0, debt - 1))
    buffer.consume(paid)
    debt -= paid
    return paid
  }

  /// Sends what is encrypted.
  private mutating func flush(more: Bool) -> Transfer {
    if outgoing.isEmpty { return .moved(0) }
    let outcome = socket.write(from: &outgoing, more: more)
    if outgoing.isEmpty {
      outgoing = ByteBuffer()
      if state.contains(.shutsDown) { socket.finishWriting() }
    }
    return outcome
  }

  /// The most plain bytes of one record (RFC 8446 5.1), and the most that encryption adds.
  private static let record = 16384
  private static let frame = 256

  // MARK: Ending

  package var hangupInterest: Interest { socket.hangupInterest }
  package var isHungUp: Bool { state.contains(.hasEnded) || socket.isHungUp }
  package var isBroken: Bool { state.contains(.hasFailed) || socket.isBroken }
  package var spliceSource: SpliceEnd? { nil }
  package var spliceSink: SpliceEnd? { nil }

  package mutating func abort() {
    state.insert(.isAborted)
    socket.abort()
  }

  package mutating func finishWriting() {
    guard state.isDisjoint(with: [.isFinished, .isAborted]) else { return }
    state.formUnion([.isFinished, .shutsDown])
    if state.contains(.isOpen), !state.contains(.hasFailed) {
      if session.hasSpill { answer() }
      if !outgoing.hasBlock { outgoing = buffers.borrow(.small) }
      if outgoing.tailroom >= Self.frame, !session.hasSpill { session.finish(&outgoing) }
    }
    if outgoing.isEmpty {
      socket.finishWriting()
    } else {
      _ = flush(more: false)
    }
  }

  // MARK: The handshake

  /// One step; nil when the handshake is complete and all of it has left, else what to wait for.
  mutating func stepOfHandshake() throws(TLSFailure) -> Interest? {
    while true {
      if !outgoing.isEmpty {
        switch flush(more: false) {
        case .moved: continue
        case .blocked: return socket.writeInterest
        case .ended: throw .closed
        case .failed(let error): throw .system(error)
        }
      }
      if state.contains(.isOpen) { return nil }
      outgoing = buffers.borrow(.small)
      let progress = session.handshake(&incoming, &outgoing)
      if incoming.isEmpty, incoming.hasBlock { incoming = ByteBuffer() }
      switch progress {
      case .done:
        state = incoming.isEmpty ? .isOpen : [.isOpen, .hasPlain]
        session.settle()
        if outgoing.isEmpty { outgoing = ByteBuffer() }
      case .wantsWrite: continue
      case .wantsRead:
        if outgoing.isEmpty { outgoing = ByteBuffer() } else { continue }
        switch receive() {
        case nil: continue
        case .blocked: return socket.readInterest
        case .failed(let error) where error != Self.broken: throw .system(error)
        default: throw .closed
        }
      case .ended: throw .closed
      case .failed(let error):
        // The alert is in `outgoing`.
        _ = flush(more: false)
        state.formUnion([.hasFailed, .isFinished])
        throw .refused(session.explain(error))
      }
    }
  }

  /// Drops what has come; false at the end.
  mutating func drop(_ dropped: inout Int) -> Bool {
    var block = buffers.borrow(.small)
    while true {
      block.reset()
      switch socket.read(into: &block, limit: .max) {
      case .moved(let count): dropped += count
      case .blocked: return true
      case .ended, .failed: return false
      }
    }
  }
}

extension Transfer {
  fileprivate var moved: Int { if case .moved(let count) = self { count } else { 0 } }
}
