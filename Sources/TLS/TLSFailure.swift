// Why a TLS connection did not come about.
import IO

/// A handshake that failed. Its words are for the log.
package enum TLSFailure: Error, Sendable, CustomStringConvertible {
  /// One side did not like what the other said: a certificate, a version, or no TLS at all.
  case refused(OpenSSLError)
  /// The peer closed before the handshake was complete.
  case closed
  case timedOut
  /// A call to the system says no.
  case system(SystemError)
  /// OpenSSL got no memory.
  case exhausted

  package var description: String {
    switch self {
    case .refused(let error): error.description
    case .closed: "the peer closed during the handshake"
    case .timedOut: "the handshake timed out"
    case .system(let error): error.description
    case .exhausted: "out of memory"
    }
  }
}
