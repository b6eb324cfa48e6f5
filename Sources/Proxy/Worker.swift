// One worker: a thread with its own event loop, listeners, pools and configuration. Workers share
// nothing on the path of a request.
//
// The actor's executor is the loop, so the compiler keeps the worker's state on the worker's
// thread, and takes its tasks' resumptions, too: see EventLoop.
import Bytes
import Configuration
import HTTP
import IO
import Telemetry

/// A worker. `run` is its thread's main function; other threads talk to it by its async methods.
package actor Worker {
  package nonisolated let loop: EventLoop
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe loop.asUnownedSerialExecutor()
  }
  let state: WorkerState

  /// A worker that knows nothing yet: it gets its first configuration as it gets every other
  /// (Worker+Reload.swift).
  ///
  /// - Parameter commons: the same for all workers of the process.
  package init(commons: Commons = Commons()) {
    let loop = EventLoop()
    self.loop = loop
    state = WorkerState(.empty, loop, commons: commons)
  }

  /// Serves on the calling thread until the worker has been told to stop and is done.
  package nonisolated func run() {
    loop.adoptThread()
    assumeIsolated { $0.main() }
  }

  private func main() {
    state.upstreamContext.worker = self
    Task.immediate { await self.serveWoken() }
    Task.immediate { await self.keepHouse() }
    loop.run(state.reactor)
  }

  // MARK: Clients

  /// Accepts on one socket, which it takes over, until its listener ends.
  func accept(on fd: Int32, of handover: ListenerHandover, for client: ClientListener) async {
    defer { state.socketEnded(fd, of: client) }
    var listener: Listener
    do {
      listener = try Listener(
        Descriptor(adopting: fd), shared: handover.isShared, on: state.reactor)
    } catch {
      return Log.error("cannot watch a listener: \(error)")
    }
    var limiter = LogLimiter(milliseconds: 60_000)
    var burst = 0
    while !client.isClosing {
      switch listener.accept() {
      case .accepted(let socket, let peer):
        // An idle connection makes room for a new one; without one, the new one is told why.
        if state.connections >= state.maxConnections, !state.endIdleConnection() {
          if let suppressed = limiter.admit(at: state.reactor.now) {
            Log.error("too many connections\(LogLimiter.note(suppressed))")
          }
          turnAway(socket.release(), from: client)
        } else {
          start(socket.release(), peer, on: client)
        }
        burst += 1
        // Connections that are served already shall not starve while others arrive.
        if burst.isMultiple(of: 64) { await state.reactor.yield() }
      case .aborted:
        continue
      case .blocked:
        _ = await state.reactor.wait(for: listener.interest, until: .never)
      case .exhausted(let error):
        // accept(2) would fail again at once; idle connections end meanwhile.
        if let suppressed = limiter.admit(at: state.reactor.now) {
          Log.error("cannot accept: \(error); pausing\(LogLimiter.note(suppressed))")
        }
        let pause = state.reactor.now.advanced(by: 500)
        _ = await state.reactor.wait(for: listener.pauseInterest, until: pause)
      }
    }
    // With the process that takes over, or with systemd, they are in good hands.
    if client.phase == .lastRequests || handover.isBorrowed { return }
    acceptRest(of: &listener, for: client)
  }

  /// Takes the connections that the kernel has made and that closing would reset. Bounded, though
  /// nobody can connect any more: the supervisor has let go of the socket.
  private func acceptRest(of listener: inout Listener, for client: ClientListener) {
    for _ in 0..<4096 where state.connections < state.maxConnections {
      guard case .accepted(let socket, let peer) = listener.accept() else { return }
      start(socket.release(), peer, on: client)
    }
  }

  private func start(_ fd: Int32, _ peer: SocketAddress, on listener: ClientListener) {
    let now = UInt32(truncatingIfNeeded: state.reactor.now.milliseconds / 1000)
    let record = ConnectionRecord(listener: listener.slot, requests: 0, acceptedAt: now)
    // Registered here, not by its task: when the task starts, in the next turn, it is known whether
    // the request has come already, and most then need not be waited for.
    do { try state.reactor.register(fd) } catch {
      _ = Descriptor(adopting: fd)
      return Log.error("cannot watch a connection: \(error)")
    }
    state.connections += 1
    listener.connections += 1
    guard listener.isPlain else { return startWithPreamble(fd, peer, record) }
    serve(Arrival(fd: fd, peer: peer, record: record))
  }

  /// Has a task serve a connection, from the next turn on: one in reserve, or a new one.
  private func serve(_ arrival: Arrival) {
    if state.reserve.give(arrival) { return }
    // A task that begins at once would have a record of its executor, which each resumption then
    // looks up under a lock.
    Task {
      var next: Arrival? = arrival
      while let arrival = next {
        let stream = TCPStream(registered: arrival.fd, on: self.state.reactor)
        await self.serve(stream, arrival.peer, arrival.record, arrival.facts)
        next = await self.state.reserve.next()
      }
    }
  }

  /// Answers a connection that there is no room for, and closes it.
  private func turnAway(_ fd: Int32, from listener: ClientListener) {
    // Who does not speak HTTP in the clear would not understand the answer.
    guard listener.isPlain else { return _ = Descriptor(adopting: fd) }
    guard var stream = try? TCPStream(Descriptor(adopting: fd), on: state.reactor) else { return }
    var buffer = state.buffers.borrow(.small)
    let answer = ErrorAnswer(.serviceUnavailable, "too many connections", retryAfter: 1)
    guard (try? answer.write(to: &buffer, unixSeconds: state.unixSeconds)) != nil else { return }
    // One attempt: a fresh socket takes so little, and nobody waits for more.
    _ = stream.write(from: &buffer, more: false)
    stream.finishWriting()
  }

  /// - Parameters:
  ///   - facts: what is known of the connection beside its socket.
  ///   - received: what has been read of it already.
  func serve(
    _ stream: consuming TCPStream, _ peer: SocketAddress, _ record: ConnectionRecord,
    _ facts: ConnectionFacts? = nil, received: consuming ByteBuffer = ByteBuffer()
  ) async {
    // There is one: a listener stays as long as its connections.
    guard let listener = state.listeners[record.listener] else { return }
    let connection = ClientConnection(stream, from: peer, record, listener, state, facts)
    if !received.isEmpty { connection.input = received }
    switch await connection.serve() {
    case .closed: state.connectionEnded(on: listener)
    case .idle:
      let fd = connection.stream.detach()
      state.parkedFacts.keep(facts, of: fd)
      state.park(fd, connection.record, listener.options)
    }
  }

  /// Gives parked connections a task again when they are readable.
  private func serveWoken() async {
    while true {
      let woken = await state.parkedClients.next()
      for client in woken {
        let facts = state.parkedFacts.take(of: client.fd)
        if let facts, let session = facts.tls {
          Task.immediate { await self.serveWoken(client, facts, session) }
        } else if client.isExpired {
          _ = TCPStream(registered: client.fd, on: state.reactor)
          if let listener = state.listeners[client.record.listener] {
            state.connectionEnded(on: listener)
          }
        } else {
          let peer = facts?.peer ?? Sockets.peerAddress(of: client.fd) ?? .unix("")
          serve(Arrival(fd: client.fd, peer: peer, record: client.record, facts: facts))
        }
      }
    }
  }
}

/// A connection without a task, in the clear: accepted just now, or woken.
struct Arrival {
  let fd: Int32
  let peer: SocketAddress
  let record: ConnectionRecord
  /// What is known of it beside its socket.
  var facts: ConnectionFacts?
}
