// Listening sockets that travel between processes, and the private Unix socket they travel over.
import CLinux
import Glibc

extension Sockets {
  /// A Unix socket that only this user (and root) may connect to, whatever the umask says.
  package static func listenPrivately(at path: String) throws(SystemError) -> Descriptor {
    let socket = try open(AF_UNIX)
    // Before it is bound: the file is made with this mode, so it is at no moment open to others.
    try check(fchmod(socket.number, S_IRUSR | S_IWUSR))
    // SAFETY: the pointer and length describe one valid address for the duration of the call.
    try unsafe SocketAddress.unix(path).withSystemForm { (pointer, length) throws(SystemError) in
      try unsafe check(Glibc.bind(socket.number, pointer, length))
    }
    try check(unsafe chmod(path, S_IRUSR | S_IWUSR))
    try check(Glibc.listen(socket.number, 16))
    return socket
  }

  /// How many descriptors fit beside one message.
  package static let mostDescriptors = Int(CLINUX_MOST_DESCRIPTORS)

  /// Sends bytes with descriptors beside them (SCM_RIGHTS); the peer gets descriptors of its own.
  ///
  /// - Returns: how many bytes went; all descriptors go with the first.
  package static func send(
    _ bytes: [UInt8], descriptors: [Int32] = [], on socket: Int32
  ) throws(SystemError) -> Int {
    // SAFETY: both arrays are lent for the call with their lengths.
    let n = unsafe bytes.withUnsafeBytes { bytes in
      unsafe descriptors.withUnsafeBufferPointer { fds in
        guard let base = bytes.baseAddress else { return 0 }
        return unsafe clinux_send_descriptors(
          socket, base, bytes.count, fds.baseAddress, Int32(fds.count))
      }
    }
    if n < 0 { throw SystemError(code: Int32(-n)) }
    return n
  }

  /// Receives bytes, at most 4096, and the descriptors beside them, which the caller adopts.
  ///
  /// - Returns: no bytes at the end of the stream.
  package static func receive(
    on socket: Int32
  ) throws(SystemError) -> (bytes: [UInt8], descriptors: [Int32]) {
    var descriptors = [Int32](repeating: -1, count: mostDescriptors)
    var count: Int32 = 0
    var result = 0
    // SAFETY: at most the capacity is written to the bytes, and to the descriptors at most as many as
    // there is room for.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { room, written in
      unsafe descriptors.withUnsafeMutableBufferPointer { fds in
        guard let base = room.baseAddress, let first = fds.baseAddress else { return }
        result = unsafe clinux_receive_descriptors(socket, base, room.count, first, &count)
      }
      written = max(0, result)
    }
    if result < 0 { throw SystemError(code: Int32(-result)) }
    return (bytes, Array(descriptors.prefix(Int(count))))
  }

  /// Makes a listening socket that somebody else opened like one of our own.
  ///
  /// - Throws: when it is no listening stream socket.
  package static func adoptListener(_ fd: Int32) throws(SystemError) {
    guard option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1,
      option(fd, SOL_SOCKET, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
    else { throw SystemError(code: EINVAL) }
    try check(fcntl(fd, F_SETFD, FD_CLOEXEC))
    try check(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
    guard option(fd, SOL_SOCKET, SO_DOMAIN) != AF_UNIX else { return }
    try set(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
    try set(fd, IPPROTO, TCP_KEEPIDLE, 60)
    try set(fd, IPPROTO, TCP_NODELAY, 1)
  }

  /// Whether a socket takes IPv4 clients beside IPv6 ones.
  package static func isDualStack(_ fd: Int32) -> Bool {
    option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6
      && option(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY) == 0
  }

  /// Lets the kernel hold so many connections until they are accepted, from now on.
  package static func setBacklog(_ backlog: Int32, of fd: Int32) {
    _ = Glibc.listen(fd, backlog)
  }

  private static func option(_ fd: Int32, _ level: Int32, _ name: Int32) -> Int32? {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    // SAFETY: value and length are local and of the sizes the option writes.
    return unsafe getsockopt(fd, level, name, &value, &length) == 0 ? value : nil
  }

  /// The path a Unix socket is bound to; nil for another socket, or one without a path.
  package static func boundPath(of fd: Int32) -> String? {
    var storage = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    // SAFETY: getsockname writes at most `length` bytes, and says how many there were.
    let result = unsafe withUnsafeMutableBytes(of: &storage) { raw in
      guard let base = raw.baseAddress else { return Int32(-1) }
      return unsafe getsockname(fd, base.assumingMemoryBound(to: sockaddr.self), &length)
    }
    guard result == 0, storage.sun_family == sa_family_t(AF_UNIX) else { return nil }
    let offset = MemoryLayout<sa_family_t>.size
    // SAFETY: the structure is plain bytes.
    let bytes = unsafe withUnsafeBytes(of: storage) { raw in
      unsafe Array(raw[offset..<min(raw.count, max(offset, Int(length)))])
    }
    let path = bytes.prefix { $0 != 0 }
    return path.isEmpty ? nil : String(decoding: path, as: UTF8.self)
  }

  /// Sends one datagram to a Unix socket and forgets about it. A path that begins with `@` is in the
  /// abstract namespace (sd_notify(3)).
  package static func sendDatagram(_ bytes: [UInt8], to path: String) throws(SystemError) {
    let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
    let socket = Descriptor(adopting: Glibc.socket(AF_UNIX, kind, 0))
    try check(socket.number)
    guard path.utf8.count <= SocketAddress.longestPath else {
      throw SystemError(code: ENAMETOOLONG)
    }
    var form = sockaddr_un()
    form.sun_family = sa_family_t(AF_UNIX)
    let offset = MemoryLayout<sa_family_t>.size
    // SAFETY: the path fits in the structure, as was checked; the structure and the bytes are lent for
    // the call with their lengths.
    let sent = unsafe withUnsafeMutableBytes(of: &form) { raw in
      for (index, byte) in path.utf8.enumerated() { unsafe raw[offset + index] = byte }
      if path.hasPrefix("@") { unsafe raw[offset] = 0 }
      guard let base = raw.baseAddress else { return -1 }
      return unsafe sendto(
        socket.number, bytes, bytes.count, Int32(MSG_NOSIGNAL),
        base.assumingMemoryBound(to: sockaddr.self), socklen_t(offset + path.utf8.count))
    }
    if sent < 0 { throw SystemError(code: clinux_errno()) }
  }
}
