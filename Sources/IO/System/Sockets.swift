// The socket calls: one function a call, errors as values, every descriptor non-blocking, closed on
// exec and owned from the moment it exists.
import CLinux
import Glibc

/// The socket calls of Linux.
package enum Sockets {
  /// A listening socket.
  ///
  /// TCP listeners share their port among the workers by SO_REUSEPORT, and set what accepted
  /// connections inherit (TCP_NODELAY, SO_KEEPALIVE), which saves those calls per connection.
  /// - Parameter sharing: SO_REUSEPORT; off, a port that another process listens on is an error.
  package static func listen(
    at address: SocketAddress, backlog: Int32, dualStack: Bool = false, sharing: Bool = true
  ) throws(SystemError) -> Descriptor {
    let socket = try open(address.family)
    let fd = socket.number
    if case .unix = address {
    } else {
      try set(fd, SOL_SOCKET, SO_REUSEADDR, 1)
      if sharing { try set(fd, SOL_SOCKET, SO_REUSEPORT, 1) }
      try set(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
      try set(fd, IPPROTO, TCP_KEEPIDLE, 60)
      try set(fd, IPPROTO, TCP_NODELAY, 1)
    }
    if case .v6 = address { try set(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY, dualStack ? 0 : 1) }
    // SAFETY: the pointer and length describe one valid address for the duration of the call.
    try unsafe address.withSystemForm { (pointer, length) throws(SystemError) in
      try unsafe check(Glibc.bind(fd, pointer, length))
    }
    try check(Glibc.listen(fd, backlog))
    return socket
  }

  /// Begins to connect; the socket is writable when it has, or has failed (see `connectError`).
  package static func connect(to address: SocketAddress) throws(SystemError) -> Descriptor {
    let socket = try open(address.family)
    let fd = socket.number
    if case .unix = address {
    } else {
      try set(fd, IPPROTO, TCP_NODELAY, 1)
      // A tunnel or an event stream may be silent for an hour; its server's host may have gone.
      try set(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
      try set(fd, IPPROTO, TCP_KEEPIDLE, 60)
    }
    do {
      // SAFETY: as in listen.
      try unsafe address.withSystemForm { (pointer, length) throws(SystemError) in
        try unsafe check(Glibc.connect(fd, pointer, length))
      }
    } catch  where error.code == EINPROGRESS {
    }
    return socket
  }

  /// How a connect ended (SO_ERROR); nil when the connection stands.
  static func pendingError(of fd: Int32) -> SystemError? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    // SAFETY: value and length are local and of the sizes the option writes.
    let result = unsafe getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length)
    if result < 0 { return SystemError(code: clinux_errno()) }
    return value == 0 ? nil : SystemError(code: value)
  }

  /// The address a socket is bound to; tells the port that "port 0" became.
  package static func localAddress(of fd: Int32) -> SocketAddress? {
    // SAFETY: getsockname writes at most `length` bytes into the storage.
    unsafe address { storage, length in unsafe getsockname(fd, storage, length) }
  }

  /// The address of the peer.
  package static func peerAddress(of fd: Int32) -> SocketAddress? {
    // SAFETY: getpeername writes at most `length` bytes into the storage.
    unsafe address { storage, length in unsafe getpeername(fd, storage, length) }
  }

  static func set(_ fd: Int32, _ level: Int32, _ option: Int32, _ value: Int32) throws(SystemError)
  {
    var value = value
    // SAFETY: the option's value is the Int32 whose size is given.
    try unsafe check(setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<Int32>.size)))
  }

  static let IPPROTO = Int32(IPPROTO_TCP)

  static func open(_ family: Int32) throws(SystemError) -> Descriptor {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let fd = Glibc.socket(family, kind, 0)
    try check(fd)
    return Descriptor(adopting: fd)
  }

  static func check(_ result: Int32) throws(SystemError) {
    if result < 0 { throw SystemError(code: clinux_errno()) }
  }

  @unsafe private static func address(
    _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> SocketAddress? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    // SAFETY: sockaddr_storage is large enough for every address and begins like sockaddr.
    let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe call(
        UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), &length)
    }
    return result < 0 ? nil : SocketAddress(storage)
  }
}
