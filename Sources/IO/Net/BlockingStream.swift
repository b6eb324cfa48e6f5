// A Unix stream socket for a thread that has nothing else to do: the commands that talk to a running
// rsp, and a new process before it has a loop.
import CLinux
import Glibc

/// A connected Unix socket whose calls wait, each at most for the time given at the start.
package struct BlockingStream: ~Copyable {
  private let socket: Descriptor
  /// Received, and not yet asked for.
  private var pending: [UInt8] = []
  /// Descriptors that came and were not yet asked for; the caller adopts them.
  private var descriptors: [Int32] = []

  /// - Parameter seconds: how long each call waits for the other side.
  package init(connectedTo path: String, patience seconds: Int) throws(SystemError) {
    socket = try Self.connect(to: path, patience: seconds)
  }

  private static func connect(
    to path: String, patience seconds: Int
  ) throws(SystemError) -> Descriptor {
    let socket = try Sockets.connect(to: .unix(path))
    let flags = fcntl(socket.number, F_GETFL)
    try Sockets.check(fcntl(socket.number, F_SETFL, flags & ~O_NONBLOCK))
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      // SAFETY: the option's value is the structure whose size is given.
      try Sockets.check(
        unsafe setsockopt(
          socket.number, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size)))
    }
    return socket
  }

  deinit { for fd in descriptors { _ = Glibc.close(fd) } }

  /// Sends all bytes.
  package mutating func send(_ bytes: [UInt8]) throws(SystemError) {
    var rest = bytes
    while !rest.isEmpty { rest.removeFirst(try Sockets.send(rest, on: socket.number)) }
  }

  /// The next line, without its line feed; nil when the stream ends before one is complete.
  ///
  /// - Throws: EMSGSIZE beyond `limit` bytes, EAGAIN when nothing came in time.
  package mutating func line(limit: Int) throws(SystemError) -> [UInt8]? {
    var searched = 0
    while true {
      if let end = pending[searched...].firstIndex(of: 0x0a) {
        let line = Array(pending[..<end])
        pending.removeFirst(end + 1)
        return line
      }
      searched = pending.count
      if pending.count > limit { throw SystemError(code: EMSGSIZE) }
      guard try receive() else { return nil }
    }
  }

  /// So many descriptors, each closed by whoever asked; they come in the order they were sent in.
  ///
  /// - Throws: ECONNRESET when the stream ends before all have come.
  package mutating func descriptors(_ count: Int) throws(SystemError) -> [Int32] {
    while descriptors.count < count {
      guard try receive() else { throw SystemError(code: ECONNRESET) }
    }
    // What came beside them means nothing; the other side says no more until it is spoken to.
    pending = []
    defer { descriptors.removeFirst(count) }
    return Array(descriptors.prefix(count))
  }

  private mutating func receive() throws(SystemError) -> Bool {
    let came = try Sockets.receive(on: socket.number)
    pending += came.bytes
    descriptors += came.descriptors
    return !came.bytes.isEmpty
  }
}
