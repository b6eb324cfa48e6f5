// The first message of a TLS client, as far as it decides where a connection goes and which
// certificate it gets: RFC 8446 4.1.2, RFC 6066 3 (server name), RFC 7301 (ALPN). What is not needed
// for that is not judged: it is OpenSSL's to refuse, or the server's that a connection is passed to.
import Bytes

/// What a client asks for before anything is encrypted.
package struct ClientHello: Sendable, Equatable {
  /// The server's name in small letters, without a final dot; nil when the client sends none.
  package var serverName: String?
  /// The protocols it offers, the preferred one first, each behind a byte with its length (the
  /// ProtocolNameList of RFC 7301 3.1 without its own length); empty when it offers none.
  package var protocols: [UInt8] = []
  /// Whether it speaks TLS 1.3.
  package var offersTLS13 = false
  /// Whether it can verify a certificate with an ECDSA key.
  package var offersECDSA = false
  /// Bytes of the session identifier (RFC 8446 D.4), 0 to 32.
  package var sessionIDCount = 0
  /// Bytes of the connection up to the end of the record in which the message ends.
  package var byteCount = 0

  package init() {}

  /// Whether it offers this protocol, "h2" say.
  package func offers(_ name: StaticString) -> Bool {
    protocols.withUnsafeSpan { span in
      var cursor = Cursor(span)
      while let each = try? cursor.vector(1) {
        if each.byteCount == name.utf8CodeUnitCount, each.agrees(with: name) { return true }
      }
      return false
    }
  }
}

extension Array where Element == UInt8 {
  /// All bytes, for as long as `use` runs.
  func withUnsafeSpan<Result, Failure: Error>(
    _ use: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // SAFETY: a UInt8 has no padding that could be read.
    unsafe try use(span.bytes)
  }
}
