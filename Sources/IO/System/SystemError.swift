// What a system call answers when it fails. The number is kept, never a text: error texts are made
// for the log only, and never reach a client.
import Glibc

/// An error number of Linux (errno), as an error to throw.
@usableFromInline
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  package let code: Int32

  package init(code: Int32) {
    self.code = code
  }

  /// The operator's words for it, such as "Connection refused".
  @usableFromInline
  package var description: String {
    // SAFETY: strerror returns a NUL-terminated text that stays valid until this thread's next
    // call of it; String copies it at once.
    unsafe String(cString: strerror(code))
  }

  /// The other side has gone in the middle of a conversation.
  package static let connectionLost = SystemError(code: ECONNRESET)

  package static let notAFolder = SystemError(code: ENOTDIR)

  /// The system gives no random bytes.
  package static let noRandomBytes = SystemError(code: ENODATA)

  /// Nothing can move now.
  package var wouldBlock: Bool { code == EAGAIN }

  /// There is nothing at that path.
  package var isNoSuchFile: Bool { code == ENOENT || code == ENOTDIR }

  /// Somebody listens there already.
  package var isAddressInUse: Bool { code == EADDRINUSE }

  /// The process or the system has no descriptor or memory left for another connection; time cures
  /// it (accept(2)).
  package var isExhaustion: Bool {
    code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM
  }
}

/// What became of one attempt to move bytes without waiting.
@usableFromInline
package enum Transfer: Equatable, Sendable {
  /// So many bytes moved, at least one.
  case moved(Int)
  /// Nothing can move until the stream is ready again.
  case blocked
  /// The peer has sent all it will send (reads only).
  case ended
  /// The connection is broken.
  case failed(SystemError)
}
