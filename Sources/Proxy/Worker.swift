// One worker: a thread with its own event loop, listeners, pools and configuration. Workers share
// nothing on the path of a request.
//
// The actor's executor is the loop, so the compiler keeps the worker's state on the worker's
// thread, and with it all that its tasks call: see EventLoop.
import Bytes
import Configuration
import HTTP
import IO
import Telemetry

/// A socket that a worker is to accept connections from.
package struct ListenerHandover: Sendable {
  /// An open listening socket, which the worker takes over.
  package var fd: Int32
  /// The other workers listen on the same socket (Unix sockets).
  package var isShared: Bool
  package var options: ListenerOptions

  package init(fd: Int32, isShared: Bool, options: ListenerOptions) {
    self.fd = fd
    self.isShared = isShared
    self.options = options
  }
}

/// A worker. `run` is its thread's main function; other threads talk to it by its async methods.
package actor Worker {
  package nonisolated let loop: EventLoop
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe loop.asUnownedSerialExecutor()
  }
  let state: WorkerState
  private let listeners: [ListenerHandover]

  /// - Parameter maxConnections: how many clients may be connected to this worker.
  package init(
    _ configuration: Configuration, listeners: [ListenerHandover], maxConnections: Int = .max
  ) {
    let loop = EventLoop()
    self.loop = loop
    self.listeners = listeners
    state = WorkerState(configuration, loop, maxConnections: maxConnections)
  }

  /// Serves on the calling thread until the worker has been told to stop and is done.
  package nonisolated func run() {
    loop.adoptThread()
    assumeIsolated { $0.main() }
  }

  private func main() {
    for index in listeners.indices {
      Task { await self.accept(on: index) }
    }
    Task { await self.serveWoken() }
    Task { await self.keepHouse() }
    loop.run(state.reactor)
  }

  // MARK: Clients

  private func accept(on index: Int) async {
    let handover = listeners[index]
    var listener: Listener
    do {
      listener = try Listener(
        Descriptor(adopting: handover.fd), shared: handover.isShared, on: state.reactor)
    } catch {
      Log.error("cannot watch a listener: \(error)")
      return
    }
    state.listeners.insert(handover.fd)
    defer { state.listenerEnded(handover.fd) }
    var limiter = LogLimiter(milliseconds: 60_000)
    var burst = 0
    while !state.isDraining {
      switch listener.accept() {
      case .accepted(let socket, let peer):
        // An idle connection makes room for a new one; without one, the new one is told why.
        if state.connections >= state.maxConnections, !state.endIdleConnection() {
          if let suppressed = limiter.admit(at: state.reactor.now) {
            Log.error("too many connections\(LogLimiter.note(suppressed))")
          }
          turnAway(socket.release())
        } else {
          start(socket.release(), peer, listener: index)
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
  }

  private func start(_ fd: Int32, _ peer: SocketAddress, listener: Int) {
    let now = UInt32(truncatingIfNeeded: state.reactor.now.milliseconds / 1000)
    let record = ConnectionRecord(
      listener: UInt8(truncatingIfNeeded: listener), requests: 0, acceptedAt: now)
    // Registered here, not by its task: when the task starts, in the next turn, it is known whether
    // the request has come already, and most then need not be waited for.
    do { try state.reactor.register(fd) } catch {
      _ = Descriptor(adopting: fd)
      return Log.error("cannot watch a connection: \(error)")
    }
    state.connections += 1
    Task {
      await self.serve(TCPStream(registered: fd, on: self.state.reactor), peer, record)
    }
  }

  /// Answers a connection that there is no room for, and closes it.
  private func turnAway(_ fd: Int32) {
    guard var stream = try? TCPStream(Descriptor(adopting: fd), on: state.reactor) else { return }
    var buffer = state.buffers.borrow(.small)
    let answer = ErrorAnswer(.serviceUnavailable, "too many connections", retryAfter: 1)
    guard (try? answer.write(to: &buffer, unixSeconds: state.unixSeconds)) != nil else { return }
    // One attempt: a fresh socket takes so little, and nobody waits for more.
    _ = stream.write(from: &buffer, more: false)
    stream.finishWriting()
  }

  private func serve(
    _ stream: consuming TCPStream, _ peer: SocketAddress, _ record: ConnectionRecord
  ) async {
    let options = listeners[Int(record.listener)].options
    let connection = ClientConnection(stream, from: peer, record, options, state)
    switch await connection.serve() {
    case .closed: state.connectionEnded()
    case .idle: state.park(connection.stream.detach(), connection.record, options)
    }
  }

  /// Gives parked connections a task again when they are readable.
  private func serveWoken() async {
    while true {
      let woken = await state.parkedClients.next()
      for client in woken {
        Task {
          let stream = TCPStream(registered: client.fd, on: self.state.reactor)
          if client.isExpired || self.state.isDraining { return self.state.connectionEnded() }
          let peer = Sockets.peerAddress(of: client.fd) ?? .unix("")
          await self.serve(stream, peer, client.record)
        }
      }
    }
  }
}
