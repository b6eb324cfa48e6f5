// What can be wrong with the first bytes of a connection, and which alert says so to a TLS client.

/// Why a connection cannot go on.
package enum PreambleError: Error, Sendable, Equatable {
  /// Lengths that contradict each other, or a field out of its range.
  case malformed
  /// An extension is there twice, or the server's name is no name of a host.
  case illegal
  /// The first message is not a ClientHello.
  case unexpectedMessage
  /// A TLS record is larger than 16 KiB.
  case recordTooLarge
  /// More than anybody sends, or in too many pieces.
  case tooLarge
  /// There is no PROXY header.
  case missing
  /// The checksum of a PROXY header is not that of its bytes.
  case wrongChecksum

  /// RFC 8446 6: the alert's description.
  package var alert: TLSAlert {
    switch self {
    case .malformed, .tooLarge, .missing, .wrongChecksum: .decodeError
    case .illegal: .illegalParameter
    case .unexpectedMessage: .unexpectedMessage
    case .recordTooLarge: .recordOverflow
    }
  }

  /// For the log.
  package var words: StaticString {
    switch self {
    case .malformed: "malformed"
    case .illegal: "a repeated extension or an invalid server name"
    case .unexpectedMessage: "another message than a ClientHello"
    case .recordTooLarge: "a record of more than 16 KiB"
    case .tooLarge: "too large"
    case .missing: "no PROXY header"
    case .wrongChecksum: "a wrong checksum"
    }
  }
}
