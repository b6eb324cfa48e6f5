// Addresses as people and forwarding fields write them.
import Bytes
import Glibc

extension SocketAddress: CustomStringConvertible {
  /// "127.0.0.1:80", "[::1]:80" or "unix:/run/app.sock".
  package var description: String {
    switch self {
    case .v4: "\(host):\(port)"
    case .v6: "[\(host)]:\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// The address without its port: "127.0.0.1", "::1", or "unix" as nginx has it in $remote_addr.
  package var host: String {
    switch self {
    case .v4(let a, _): "\(a >> 24).\(a >> 16 & 255).\(a >> 8 & 255).\(a & 255)"
    case .v6(let high, let low, _, _): Self.text(high, low)
    case .unix: "unix"
    }
  }

  private static func text(_ high: UInt64, _ low: UInt64) -> String {
    var address = in6_addr()
    // SAFETY: the sixteen bytes of an in6_addr are written; inet_ntop NUL-terminates within 46.
    return unsafe withUnsafeMutableBytes(of: &address) { bytes in
      unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
      unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
      return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 46) { text in
        guard let base = text.baseAddress,
          unsafe inet_ntop(AF_INET6, bytes.baseAddress, base, 46) != nil
        else { return "::" }
        return unsafe String(cString: base)
      }
    }
  }
}

extension ByteBuffer {
  /// Appends an address without its port; IPv4, the common case, without making a String.
  package mutating func append(host address: SocketAddress) {
    guard case .v4(let a, _) = address else { return append(address.host) }
    append(dottedQuad: a)
  }
}
