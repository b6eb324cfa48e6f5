// What is asked once, before the first worker starts, and may therefore wait.
import CLinux
import Glibc

extension Sockets {
  /// Whether this system has IPv6.
  package static var hasIPv6: Bool {
    let fd = Glibc.socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    guard fd >= 0 else { return false }
    _ = Glibc.close(fd)
    return true
  }

  /// The first address of a host name. Blocks: for listeners, at start.
  package static func resolveNow(_ name: String, port: UInt16) -> SocketAddress? {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    // SAFETY: getaddrinfo makes a list that is freed once, after its first address was copied.
    guard unsafe getaddrinfo(name, String(port), &hints, &list) == 0, let first = unsafe list else {
      return nil
    }
    defer { unsafe freeaddrinfo(list) }
    var storage = sockaddr_storage()
    let length = Int(unsafe first.pointee.ai_addrlen)
    guard length <= MemoryLayout<sockaddr_storage>.size, let address = unsafe first.pointee.ai_addr
    else { return nil }
    unsafe withUnsafeMutableBytes(of: &storage) { raw in
      unsafe raw.copyMemory(from: UnsafeRawBufferPointer(start: address, count: length))
    }
    return SocketAddress(storage)
  }

  /// Whether there is a Unix socket at this path that nobody listens on any more.
  package static func isAbandoned(_ path: String) -> Bool {
    do {
      _ = try connect(to: .unix(path))
      return false
    } catch {
      return error.code == ECONNREFUSED
    }
  }

  /// Another descriptor of the same socket.
  package static func duplicate(_ fd: Int32) throws(SystemError) -> Int32 {
    let copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)
    if copy < 0 { throw SystemError(code: clinux_errno()) }
    return copy
  }
}
