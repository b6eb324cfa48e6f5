// Connected sockets for tests, on loopback.
import Bytes
import Glibc
import IO

/// The two ends of a TCP connection.
struct DescriptorPair: ~Copyable {
  let near: Descriptor
  let far: Descriptor

  /// Connects over loopback.
  init() throws {
    let listener = try Sockets.listen(at: .v4(0x7f00_0001, port: 0), backlog: 1, sharing: false)
    guard let address = Sockets.localAddress(of: listener.number) else {
      throw SystemError(code: EIO)
    }
    let near = try Sockets.connect(to: address)
    var waiting = pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)
    // SAFETY: poll reads and writes the one structure.
    _ = unsafe poll(&waiting, 1, -1)
    let accepted = accept(listener.number, nil, nil)
    guard accepted >= 0 else { throw SystemError(code: EIO) }
    _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
    self.near = near
    far = Descriptor(adopting: accepted)
  }
}

/// The two ends of a TCP connection as streams of one reactor.
struct StreamPair: ~Copyable {
  var near: TCPStream
  var far: TCPStream

  init(on reactor: Reactor) throws {
    let pair = try DescriptorPair()
    let near = try TCPStream(pair.near, on: reactor)
    let far = try TCPStream(pair.far, on: reactor)
    self.near = near
    self.far = far
  }
}

/// Sends a text that is known to fit in the socket.
func send(_ text: String, to fd: Int32) {
  let bytes = Array(text.utf8)
  // SAFETY: send reads the array's bytes.
  let n = unsafe Glibc.send(fd, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  precondition(n == bytes.count)
}

/// Makes the coming close a reset (RST).
func closeWithReset(_ fd: Int32) {
  var linger = linger(l_onoff: 1, l_linger: 0)
  // SAFETY: the option's value is the structure whose size is given.
  _ = unsafe setsockopt(
    fd, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
}

/// The readable bytes as text.
func text(_ buffer: borrowing ByteBuffer) -> String {
  let bytes = buffer.bytes
  // SAFETY: a UInt8 may have any value, and the span checks the offset.
  let copy = (0..<bytes.byteCount).map {
    unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
  }
  return String(decoding: copy, as: UTF8.self)
}

extension StreamPair {
  /// The numbers of both ends, open and registered.
  consuming func release() -> (near: Int32, far: Int32) { (near.release(), far.release()) }
}
