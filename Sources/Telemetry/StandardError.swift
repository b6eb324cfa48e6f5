// Standard error, without buffers and locks of the C library in between.
import Glibc

/// What is told to whoever started the process.
package enum StandardError {
  /// Prints a line without a time: an answer to a command, as opposed to an event in the log.
  package static func print(_ text: String) {
    write(Array("\(text)\n".utf8))
  }

  /// Writes all bytes in one call, so that lines of several threads never mix. Bytes that cannot be
  /// written are lost: there is nowhere to complain, and the proxy is not to stop for its log.
  static func write(_ bytes: [UInt8], to descriptor: Int32 = 2) {
    unsafe bytes.withUnsafeBytes { bytes in
      // SAFETY: the pointer and count describe the array's bytes, which outlive the call.
      while unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count) < 0 && errno == EINTR {}
    }
  }
}
