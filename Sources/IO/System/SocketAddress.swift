// Where a socket is: an IPv4 or IPv6 address with a port, or a path. Small and copyable, unlike the
// 128 bytes of the system's sockaddr_storage.
import Bytes
import CLinux
import Glibc

/// The address of one end of a socket.
package enum SocketAddress: Hashable, Sendable {
  /// An IPv4 address, its first octet in the highest byte.
  case v4(UInt32, port: UInt16)
  /// An IPv6 address as two halves, the first octet in the highest byte of `high`.
  case v6(high: UInt64, low: UInt64, scope: UInt32, port: UInt16)
  /// A Unix socket; the path is empty for an unnamed peer.
  case unix(String)

  /// Reads an address written in numbers: "127.0.0.1" or "::1" (without brackets).
  package init?(numeric text: String, port: UInt16) {
    // To C a text ends at its first NUL; what follows would go unread.
    guard !text.utf8.contains(0) else { return nil }
    var v4 = in_addr()
    var v6 = in6_addr()
    // SAFETY: inet_pton writes 4 and 16 bytes, the sizes of the two structures.
    if unsafe inet_pton(AF_INET, text, &v4) == 1 {
      self = .v4(UInt32(bigEndian: v4.s_addr), port: port)
    } else if unsafe inet_pton(AF_INET6, text, &v6) == 1 {
      self = SocketAddress(v6, scope: 0, port: port)
    } else {
      return nil
    }
  }

  /// Reads what the system wrote. An IPv4 client of a dual-stack listener (::ffff:a.b.c.d) is given
  /// as the IPv4 address it is.
  init(_ storage: sockaddr_storage) {
    // SAFETY: the family says which structure the system laid over the storage; all are smaller.
    unsafe self = withUnsafeBytes(of: storage) { raw in
      switch Int32(storage.ss_family) {
      case AF_INET:
        let v4 = unsafe raw.load(as: sockaddr_in.self)
        return .v4(UInt32(bigEndian: v4.sin_addr.s_addr), port: UInt16(bigEndian: v4.sin_port))
      case AF_INET6:
        let v6 = unsafe raw.load(as: sockaddr_in6.self)
        let address = SocketAddress(
          v6.sin6_addr, scope: v6.sin6_scope_id, port: UInt16(bigEndian: v6.sin6_port))
        return address.unmapped
      default:
        return .unix("")
      }
    }
  }

  init(_ address: in6_addr, scope: UInt32, port: UInt16) {
    // SAFETY: an in6_addr is 16 plain bytes.
    unsafe self = withUnsafeBytes(of: address) { raw in
      .v6(
        high: UInt64(bigEndian: unsafe raw.loadUnaligned(as: UInt64.self)),
        low: UInt64(bigEndian: unsafe raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        scope: scope, port: port)
    }
  }

  private var unmapped: SocketAddress {
    guard case .v6(0, let low, _, let port) = self, low >> 32 == 0xffff else { return self }
    return .v4(UInt32(truncatingIfNeeded: low), port: port)
  }

  package var port: UInt16 {
    switch self {
    case .v4(_, let port), .v6(_, _, _, let port): port
    case .unix: 0
    }
  }

  var family: Int32 {
    switch self {
    case .v4: AF_INET
    case .v6: AF_INET6
    case .unix: AF_UNIX
    }
  }

  /// Lends the address in the system's form. Throws ENAMETOOLONG for a path that does not fit in it.
  @unsafe func withSystemForm<R>(
    _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> R
  ) throws(SystemError) -> R {
    if case .unix(let path) = self, path.utf8.count > Self.longestPath {
      throw SystemError(code: ENAMETOOLONG)
    }
    var storage = sockaddr_storage()
    let length = fill(&storage)
    // SAFETY: every sockaddr form begins like sockaddr and fits in the storage.
    return try unsafe withUnsafePointer(to: &storage) { pointer throws(SystemError) in
      try unsafe body(UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), length)
    }
  }

  private func fill(_ storage: inout sockaddr_storage) -> socklen_t {
    // SAFETY: each form is smaller than the storage it is written to; a path's length was checked.
    unsafe withUnsafeMutableBytes(of: &storage) { raw in
      switch self {
      case .v4(let address, let port):
        var form = sockaddr_in()
        form.sin_family = sa_family_t(AF_INET)
        form.sin_port = port.bigEndian
        form.sin_addr.s_addr = address.bigEndian
        unsafe raw.storeBytes(of: form, as: sockaddr_in.self)
        return socklen_t(MemoryLayout<sockaddr_in>.size)
      case .v6(let high, let low, let scope, let port):
        var form = sockaddr_in6()
        form.sin6_family = sa_family_t(AF_INET6)
        form.sin6_port = port.bigEndian
        form.sin6_scope_id = scope
        unsafe withUnsafeMutableBytes(of: &form.sin6_addr) { bytes in
          unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
          unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        unsafe raw.storeBytes(of: form, as: sockaddr_in6.self)
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
      case .unix(let path):
        unsafe raw.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
        let offset = MemoryLayout<sa_family_t>.size
        for (i, byte) in path.utf8.enumerated() { unsafe raw[offset + i] = byte }
        return socklen_t(offset + path.utf8.count + 1)
      }
    }
  }

  /// The longest path of a Unix socket in bytes (sun_path less its NUL).
  package static let longestPath = 107
}
