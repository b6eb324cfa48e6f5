// The PROXY header as servers get it, of both versions.
import Bytes
import Routing

/// What a header of version 2 says beside the addresses.
package struct ProxyHeaderDetails: Sendable, Equatable {
  /// What TLS was agreed on; only of a connection that was decrypted here.
  package struct TLS: Sendable, Equatable {
    /// As OpenSSL writes them: "TLSv1.3", "TLS_AES_128_GCM_SHA256".
    package var version: String
    package var cipher: String
    /// The common name of the client's certificate.
    package var clientName: String?
    /// Whether the client has shown a certificate, now or when its session began.
    package var hasClientCertificate = false
    /// Whether the session was begun by an earlier connection.
    package var isResumed = false
    /// Whether it has been verified.
    package var isClientVerified = false

    package init(version: String, cipher: String) {
      self.version = version
      self.cipher = cipher
    }
  }
  /// The name that the client's handshake asked for.
  package var serverName: String?
  /// The protocol that was agreed on; for a connection that is passed on undecrypted, the client's
  /// list as it sent it (2.2.1: "the exact copy of the ALPN extension").
  package var alpn: [UInt8] = []
  package var tls: TLS?

  package init() {}
}

extension ProxyHeader {
  /// Appends a header of version 1.
  ///
  /// - Precondition: `longestLine` bytes fit in the tailroom.
  package func append1(to buffer: inout ByteBuffer) {
    guard case .proxied(let source, let destination) = self else {
      return buffer.append("PROXY UNKNOWN\r\n")
    }
    // One family for both; where only one is IPv4 it is written in its IPv6 form.
    let isIPv4 = source.address.isIPv4 && destination.address.isIPv4
    buffer.append(isIPv4 ? "PROXY TCP4 " : "PROXY TCP6 ")
    for endpoint in [source, destination] {
      if !isIPv4, endpoint.address.isIPv4 { buffer.append("::ffff:") }
      endpoint.address.append(to: &buffer)
      buffer.append(0x20)
    }
    buffer.append(decimal: UInt64(source.port))
    buffer.append(0x20)
    buffer.append(decimal: UInt64(destination.port))
    buffer.append("\r\n")
  }

  /// Appends a header of version 2. Details that would make it longer than `longest` are left out.
  ///
  /// - Precondition: `longest` bytes fit in the tailroom.
  package func append2(_ details: ProxyHeaderDetails?, to buffer: inout ByteBuffer) {
    var rest: [UInt8] = []
    var family: UInt8 = 0
    if case .proxied(let source, let destination) = self {
      let isIPv4 = source.address.isIPv4 && destination.address.isIPv4
      family = isIPv4 ? 0x11 : 0x21
      for endpoint in [source, destination] {
        let bits = endpoint.address.bits
        rest.append(bits, count: isIPv4 ? 4 : 16)
      }
      rest.append(UInt128(source.port), count: 2)
      rest.append(UInt128(destination.port), count: 2)
    }
    if let details {
      if !details.alpn.isEmpty { rest.append(.alpn, details.alpn) }
      if let name = details.serverName { rest.append(.authority, Array(name.utf8)) }
      if let tls = details.tls { rest.append(.tls, tls.value) }
    }
    buffer.append(Self.signature)
    buffer.append(self == .local ? 0x20 : 0x21)
    buffer.append(family)
    buffer.append(UInt8(rest.count >> 8))
    buffer.append(UInt8(rest.count & 255))
    buffer.append(rest)
  }
}

extension ProxyHeaderDetails.TLS {
  /// 2.2.6: flags, result, and values of their own types.
  fileprivate var value: [UInt8] {
    // PP2_CLIENT_SSL; PP2_CLIENT_CERT_SESS, and PP2_CLIENT_CERT_CONN where it was shown just now.
    var flags: UInt8 = 0x01
    if hasClientCertificate { flags |= isResumed ? 0x04 : 0x06 }
    var bytes = [flags]
    bytes.append(UInt128(isClientVerified ? 0 : 1), count: 4)
    bytes.append(.tlsVersion, Array(version.utf8))
    if let clientName { bytes.append(.clientName, Array(clientName.utf8)) }
    bytes.append(.tlsCipher, Array(cipher.utf8))
    return bytes
  }
}

extension Array where Element == UInt8 {
  /// The lowest `count` bytes of a number, the highest first.
  fileprivate mutating func append(_ number: UInt128, count: Int) {
    for i in (0..<count).reversed() {
      append(UInt8(truncatingIfNeeded: number >> UInt128(i * 8)))
    }
  }

  /// A type, a length and a value; nothing when the header would become too long.
  fileprivate mutating func append(_ type: TLVType, _ value: [UInt8]) {
    guard count + 3 + value.count <= ProxyHeader.longest - ProxyHeader.fixedCount else { return }
    append(UInt8(type.rawValue))
    append(UInt8(value.count >> 8))
    append(UInt8(value.count & 255))
    append(contentsOf: value)
  }
}
