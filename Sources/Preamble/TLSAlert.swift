// Alerts: how TLS says why a connection ends (RFC 8446 6). Before keys are agreed on they are sent in
// the clear, so that a connection which never gets to OpenSSL can be told as well.
import Bytes

/// The description of a fatal alert.
package enum TLSAlert: UInt8, Sendable {
  case unexpectedMessage = 10
  case recordOverflow = 22
  case handshakeFailure = 40
  case illegalParameter = 47
  case decodeError = 50
  case protocolVersion = 70
  case internalError = 80
  /// RFC 6066 3: the server is none of that name.
  case unrecognizedName = 112

  /// Bytes that `append` writes.
  package static var byteCount: Int { 7 }

  /// Appends the record. Its version is the one that every client understands (RFC 8446 5.1).
  ///
  /// - Precondition: `byteCount` bytes fit in the tailroom.
  package func append(to buffer: inout ByteBuffer) {
    // Alert, TLS 1.2, two bytes: fatal, and why.
    buffer.append([21, 3, 3, 0, 2, 2, rawValue])
  }
}
