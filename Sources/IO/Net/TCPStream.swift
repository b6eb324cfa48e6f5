// A connected TCP or Unix socket, registered with its worker's reactor.
import Bytes
import CLinux
import Glibc

/// A plain connection. Worker-confined; closed when it ends.
@usableFromInline
package struct TCPStream: ~Copyable, ByteStream {
  // What asks for a flag or two is part of its caller: a call of it through the protocol's table
  // costs more than the question.
  @usableFromInline package private(set) var fd: Int32
  @usableFromInline let reactor: Reactor

  /// Takes over a connected (or connecting) socket and registers it.
  package init(_ socket: consuming Descriptor, on reactor: Reactor) throws(SystemError) {
    try reactor.register(socket.number)
    fd = socket.release()
    self.reactor = reactor
  }

  /// Takes over a socket that is registered already: one that was parked.
  package init(registered fd: Int32, on reactor: Reactor) {
    self.fd = fd
    self.reactor = reactor
  }

  deinit {
    guard fd >= 0 else { return }
    reactor.forget(fd)
    _ = Glibc.close(fd)
  }

  @usableFromInline
  package mutating func close() {
    let closing = detach()
    reactor.forget(closing)
    _ = Glibc.close(closing)
  }

  /// Leaves the socket open and registered, to be parked; whoever unparks it adopts the number.
  package mutating func detach() -> Int32 {
    _ = reactor.settle(fd)
    let released = fd
    fd = -1
    return released
  }

  @inlinable package var readInterest: Interest { Interest(fd, .read) }
  @inlinable package var messageInterest: Interest { Interest(fd, [.read, .fetch]) }
  @inlinable package var writeInterest: Interest { Interest(fd, .write) }
  @inlinable package var hangupInterest: Interest { Interest(fd, .hangup) }
  @inlinable package var mayRead: Bool { reactor.isReady(fd, for: .read) }
  /// Whether a write may find room; false after a blocked one until the stream wakes.
  @inlinable package var mayWrite: Bool { reactor.isReady(fd, for: .write) }
  @inlinable package var isHungUp: Bool { reactor.isReady(fd, for: [.hangup, .failure]) }
  @inlinable package var isBroken: Bool { reactor.isReady(fd, for: .failure) }
  @usableFromInline
  package var spliceSource: SpliceEnd? {
    reactor.hasFetched(fd) ? nil : SpliceEnd(fd: fd, reactor: reactor)
  }
  @usableFromInline
  package var spliceSink: SpliceEnd? {
    reactor.hasPosted(fd) ? nil : SpliceEnd(fd: fd, reactor: reactor)
  }

  @usableFromInline
  package mutating func read(into buffer: inout ByteBuffer, limit: Int) -> Transfer {
    guard mayRead else { return .blocked }
    guard reactor.hasFetched(fd) else { return receive(into: &buffer, limit: limit) }
    let n = reactor.takeFetched(fd, into: &buffer, limit: limit)
    // Of a large message only the beginning was fetched; its rest is to leave together with that.
    if n == Reactor.smallMessage, limit > n, buffer.tailroom > 0 {
      return receiveRest(into: &buffer, limit: limit - n)
    }
    return n > 0 ? .moved(n) : outcome(n, .read)
  }

  /// Receives what is behind the small message that was just read.
  @inline(never)
  private func receiveRest(into buffer: inout ByteBuffer, limit: Int) -> Transfer {
    let most = Reactor.smallMessage
    switch receive(into: &buffer, limit: limit) {
    case .moved(let more): return .moved(most + more)
    case .failed(let error): reactor.keepFailure(error.code, of: fd)
    case .blocked, .ended: break
    }
    return .moved(most)
  }

  // These are functions of their own, so that a read of what was fetched needs no room for them.
  @inline(never)
  private func receive(into buffer: inout ByteBuffer, limit: Int) -> Transfer {
    var asked = 0
    // SAFETY: recv writes at most `room.count` bytes into the room.
    let n = unsafe buffer.appendUnsafe(limit: limit) { room in
      asked = room.count
      guard let base = room.baseAddress, asked > 0 else { return Int(-ENOBUFS) }
      return unsafe clinux_recv(fd, base, asked)
    }
    // A short read has emptied the socket: the next bytes make an edge, so there is no need to ask
    // again and be told EAGAIN. A FIN makes none, so then the socket stays readable.
    if n > 0, n < asked, !reactor.isReady(fd, for: [.hangup, .failure]) {
      reactor.clear(fd, .read)
    }
    return outcome(n, .read)
  }

  @usableFromInline
  package mutating func write(from buffer: inout ByteBuffer, more: Bool) -> Transfer {
    let transfer = write(buffer.bytes, more: more)
    if case .moved(let n) = transfer { buffer.consume(n) }
    return transfer
  }

  /// Sends from the front of some bytes.
  ///
  /// - Parameter more: as in `write(from:more:)`.
  package func write(_ bytes: RawSpan, more: Bool) -> Transfer {
    guard reactor.settle(fd) else { return .blocked }
    let n = Reactor.send(bytes, to: fd, more: more)
    // A short write has filled the socket: wait for room before the next attempt.
    if n > 0, n < bytes.byteCount { reactor.clear(fd, .write) }
    return outcome(n, .write)
  }

  /// Sends bytes of which it does not matter whether they arrive.
  package func sendLast(_ bytes: RawSpan) {
    _ = Reactor.send(bytes, to: fd)
  }

  @inlinable
  package mutating func post(_ message: RawSpan) -> Bool { reactor.post(message, to: fd) }
  @inlinable
  package mutating func settle(isLast: Bool) -> Bool { reactor.settle(fd, isLast: isLast) }
  @inlinable package var hasUnsent: Bool { reactor.hasUnsent(fd) }
  @usableFromInline
  package mutating func takeUnsent() -> [UInt8] { reactor.takeUnsent(fd) }
  @usableFromInline
  package mutating func passMessage(_ take: (RawSpan) -> Bool) -> Int {
    reactor.passFetched(fd, take)
  }

  @usableFromInline
  package mutating func abort() {
    var option = linger(l_onoff: 1, l_linger: 0)
    // SAFETY: the option's value is the structure whose size is given.
    _ = unsafe setsockopt(
      fd, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  @usableFromInline
  package mutating func finishWriting() {
    _ = reactor.settle(fd)
    _ = Glibc.shutdown(fd, Int32(SHUT_WR))
  }

  /// How a connect that was begun has ended, once the socket is writable; nil: it stands.
  package func connectError() -> SystemError? {
    Sockets.pendingError(of: fd)
  }

  @usableFromInline
  package func hasUnreadBytes() -> Bool { reactor.hasFetched(fd) || peek() > 0 }

  /// Whether nothing has come: no byte and no end.
  package func isQuiet() -> Bool {
    !isHungUp && (!mayRead || !reactor.hasFetched(fd) && peek() == Int(-EAGAIN))
  }

  /// Looks at the next byte without reading it: 1, 0 at the end of the stream, or -errno.
  private func peek() -> Int {
    var byte: UInt8 = 0
    // SAFETY: recv writes at most one byte into `byte`.
    let n = unsafe Glibc.recv(fd, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
    guard n < 0 else { return n }
    let error = clinux_errno()
    // A read or splice that was limited to what was wanted cannot tell that the socket is empty.
    if error == EAGAIN { reactor.clear(fd, .read) }
    return Int(-error)
  }

  @inline(never)
  private func outcome(_ n: Int, _ side: Readiness) -> Transfer {
    if n > 0 { return .moved(n) }
    if n == 0 { return .ended }
    let error = SystemError(code: Int32(-n))
    guard error.code == EAGAIN || error.code == EINTR else { return .failed(error) }
    if error.code == EAGAIN { reactor.clear(fd, side) }
    return .blocked
  }
}
