// The PROXY protocol (HAProxy's doc/proxy-protocol.txt): a proxy says, before the first byte of a
// connection, from whom it got it. Version 1 is a line of text, version 2 is binary and can say more.
import Bytes
import Routing

/// An address with a port.
package struct Endpoint: Sendable, Hashable {
  package var address: InternetAddress
  package var port: UInt16

  package init(_ address: InternetAddress, port: UInt16) {
    self.address = address
    self.port = port
  }
}

/// What a header says.
package enum ProxyHeader: Sendable, Hashable {
  /// The connection is the proxy's own (LOCAL), or of a kind that has no addresses (UNKNOWN, UNSPEC,
  /// a Unix socket): the socket's addresses hold.
  case local
  /// `source` is the client, `destination` what it connected to.
  case proxied(source: Endpoint, destination: Endpoint)

  /// What is known of a header so far.
  package enum Outcome: Sendable, Equatable {
    case needMore
    /// It takes the connection's first `byteCount` bytes.
    case complete(ProxyHeader, byteCount: Int)
    case refused(PreambleError)
  }

  /// The longest line of version 1, with its end (2.1).
  package static var longestLine: Int { 107 }
  /// The longest header of version 2, its first 16 bytes included. The text sets no limit but expects
  /// a header to fit in one segment; this is room for any certificate's name.
  package static var longest: Int { 4096 }

  /// What every header of version 2 begins with, and the version (2.2).
  static var signature: StaticString { "\r\n\r\n\0\r\nQUIT\n" }
  /// Bytes before the addresses of version 2.
  static var fixedCount: Int { 16 }

  /// Reads the header at the start of a connection. Headers are short, so each look begins anew.
  package static func read(_ bytes: RawSpan) -> Outcome {
    guard bytes.byteCount > 0 else { return .needMore }
    do throws(PreambleError) {
      if bytes.octet(0) == UInt8(ascii: "P") { return try readLine(bytes) }
      return try readBinary(bytes)
    } catch {
      return .refused(error)
    }
  }
}
