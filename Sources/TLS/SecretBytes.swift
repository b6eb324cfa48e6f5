// Bytes that are overwritten before their memory goes back: private keys, and what stands beside them
// in a file. An array would leave copies behind wherever it has been.
import COpenSSL

/// A block of bytes, at least one. Immutable, so any thread may read it; wiped with its last reference.
@safe
package final class SecretBytes: @unchecked Sendable {
  // Never written after init.
  private let start: UnsafeMutablePointer<UInt8>
  package let count: Int

  /// Takes over memory that OpenSSL gave.
  init(adopting start: UnsafeMutablePointer<UInt8>, count: Int) {
    unsafe self.start = unsafe start
    self.count = count
  }

  // SAFETY: the memory is OpenSSL's, of this size, and nobody else has it.
  deinit { unsafe copenssl_wipe(start, count) }

  /// The bytes for as long as `use` runs.
  func withPointer<Result>(_ use: (UnsafePointer<UInt8>) -> Result) -> Result {
    unsafe use(UnsafePointer(start))
  }

  /// A copy, for what is no secret.
  package var bytes: [UInt8] {
    // SAFETY: as many bytes as there are.
    unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }
}

extension [UInt8] {
  /// Overwrites the bytes, and empties the array. To be called on an array that was never copied.
  package mutating func wipe() {
    // SAFETY: as many bytes as there are.
    unsafe withUnsafeMutableBufferPointer { room in
      if let start = room.baseAddress { unsafe copenssl_cleanse(start, room.count) }
    }
    self = []
  }
}

extension SecretBytes {
  /// The SHA-256 digest, 32 bytes.
  package var sha256: [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    // SAFETY: 32 bytes are written, and as many read as there are.
    unsafe digest.withUnsafeMutableBufferPointer { digest in
      guard let digest = digest.baseAddress else { return }
      unsafe copenssl_sha256(start, count, digest)
    }
    return digest
  }
}
