// Why OpenSSL says no, in its own words. They are for the log: they never reach a client, since they
// would tell what is behind the proxy (behaviour 26).
import COpenSSL

/// A failure of the library.
package struct OpenSSLError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The library's number; 0 when it gives none.
  package let code: UInt
  package let description: String

  /// The calling thread's oldest error; takes all of them off its queue.
  static func take() -> OpenSSLError {
    // SAFETY: the words are written within the 256 bytes and end with a NUL.
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { words in
      guard let base = words.baseAddress else { return OpenSSLError(code: 0, description: "") }
      let code = unsafe copenssl_take_error(base, 256)
      let text = unsafe String(cString: base)
      return OpenSSLError(
        code: UInt(code), description: text.isEmpty ? "unknown TLS error" : text)
    }
  }
}
