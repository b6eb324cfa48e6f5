// A server on loopback for health checks: answers every request with the same bytes, and remembers
// what it was asked.
import Bytes
import Glibc
import IO
import TestSupport

/// A scripted server, confined to its test's loop.
final class TinyServer {
  /// What each request gets; nil is silence.
  var answer: String?
  private(set) var requests: [String] = []
  private(set) var connections = 0
  /// Clients that went without an answer.
  private(set) var departures = 0
  let address: SocketAddress
  private let reactor: Reactor
  private var listener: Listener
  private var isStopped = false

  static let loopback = SocketAddress.v4(0x7f00_0001, port: 0)

  init(
    _ answer: String?, at address: SocketAddress = loopback, on worker: isolated LoopActor
  ) throws {
    self.answer = answer
    reactor = worker.reactor
    let socket = try Sockets.listen(at: address, backlog: 64)
    let bound = Sockets.localAddress(of: socket.number) ?? address
    self.address = if case .unix = address { address } else { bound }
    listener = try Listener(socket, shared: false, on: reactor)
    Task.immediate { await self.accept(on: worker) }
  }

  /// To be called before the test ends.
  func stop() { isStopped = true }

  private func accept(on worker: isolated LoopActor) async {
    while !isStopped {
      switch listener.accept() {
      case .accepted(let socket, _):
        connections += 1
        guard let stream = try? TCPStream(socket, on: reactor) else { continue }
        var held: TCPStream? = consume stream
        let fd = held?.detach() ?? -1
        held = nil
        Task.immediate {
          await self.serve(TCPStream(registered: fd, on: worker.reactor))
        }
      default: _ = await reactor.wait(for: listener.interest, until: worker.soon(50))
      }
    }
  }

  private func serve(_ stream: consuming TCPStream) async {
    let buffers = BufferPool()
    var input = buffers.borrow(.small)
    while !text(input).hasSuffix("\r\n\r\n") {
      switch stream.read(into: &input, limit: 4096) {
      case .moved: continue
      case .blocked: _ = await reactor.wait(for: stream.readInterest, until: .never)
      case .ended, .failed: return
      }
    }
    requests.append(text(input))
    guard let answer else {
      // Until the client goes.
      _ = await reactor.wait(for: stream.hangupInterest, until: .never)
      departures += 1
      return
    }
    var rest = answer[...]
    while !rest.isEmpty {
      var output = buffers.borrow(.small)
      output.append(String(rest.prefix(8192)))
      rest = rest.dropFirst(8192)
      while !output.isEmpty {
        switch stream.write(from: &output, more: false) {
        case .moved: continue
        case .blocked: _ = await reactor.wait(for: stream.writeInterest, until: .never)
        case .ended, .failed: return
        }
      }
    }
  }
}

extension LoopActor {
  /// Waits until a condition holds.
  ///
  /// - Returns: false when it does not for too long.
  func wait(until condition: () -> Bool) async throws -> Bool {
    let alarm = try Alarm(on: reactor)
    let end = patience
    while !condition() {
      guard reactor.now < end else { return false }
      await alarm.sleep(until: soon(1))
    }
    return true
  }
}

/// Removes what a Unix socket left in the file system.
func unlinkSocket(_ path: String) {
  // SAFETY: the path is copied to C for the call.
  _ = unsafe unlink(path)
}
