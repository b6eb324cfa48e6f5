// One client of the control socket: a line in, a line out, each bounded in size and time.
import IO
import JSON

/// A connected client. Confined to the supervisor's thread; closed when it ends.
final class ControlConnection {
  private let stream: TCPStream
  private let reactor: Reactor
  /// Received, and not yet a whole line.
  private var pending: [UInt8] = []

  /// Bytes of a request.
  static let mostBytes = 65536
  /// How long a client may be silent, and how long it may take to read an answer.
  static let patience: Int64 = 30_000

  init(registered fd: Int32, on reactor: Reactor) {
    stream = TCPStream(registered: fd, on: reactor)
    self.reactor = reactor
  }

  var descriptor: Int32 { stream.fd }

  enum Reception {
    case line([UInt8])
    case tooLong, ended
  }

  /// The next line, without its line feed.
  func receive(for milliseconds: Int64 = patience) async -> Reception {
    let deadline = reactor.now.advanced(by: milliseconds)
    var searched = 0
    while true {
      if let end = pending[searched...].firstIndex(of: 0x0a) {
        if end > Self.mostBytes { return .tooLong }
        defer { pending.removeFirst(end + 1) }
        return .line(Array(pending[..<end]))
      }
      searched = pending.count
      if pending.count > Self.mostBytes { return .tooLong }
      do throws(SystemError) {
        let came = try Sockets.receive(on: stream.fd)
        // Nobody hands us descriptors; what comes all the same is closed.
        for fd in came.descriptors { _ = Descriptor(adopting: fd) }
        if came.bytes.isEmpty { return .ended }
        pending += came.bytes
      } catch {
        guard error.wouldBlock else { return .ended }
        reactor.clear(stream.fd, .read)
        guard case .ready = await reactor.wait(for: stream.readInterest, until: deadline) else {
          return .ended
        }
      }
    }
  }

  /// Sends a line.
  ///
  /// - Returns: false when the client has gone, or takes too long.
  @discardableResult
  func send(_ json: JSON) async -> Bool { await send(json.line + [0x0a], descriptors: []) }

  /// Sends descriptors, beside bytes that mean nothing.
  func send(descriptors: [Int32]) async -> Bool {
    for start in stride(from: 0, to: descriptors.count, by: Sockets.mostDescriptors) {
      let end = min(start + Sockets.mostDescriptors, descriptors.count)
      guard await send([0x2e], descriptors: Array(descriptors[start..<end])) else { return false }
    }
    return true
  }

  private func send(_ bytes: [UInt8], descriptors: [Int32]) async -> Bool {
    let deadline = reactor.now.advanced(by: Self.patience)
    var rest = bytes[...]
    var descriptors = descriptors
    while !rest.isEmpty {
      do throws(SystemError) {
        // A piece at a time, so that a long answer is not copied again for each send.
        let piece = Array(rest.prefix(65536))
        rest = rest.dropFirst(try Sockets.send(piece, descriptors: descriptors, on: stream.fd))
        descriptors = []
      } catch {
        guard error.wouldBlock else { return false }
        reactor.clear(stream.fd, .write)
        guard case .ready = await reactor.wait(for: stream.writeInterest, until: deadline) else {
          return false
        }
      }
    }
    return true
  }
}
