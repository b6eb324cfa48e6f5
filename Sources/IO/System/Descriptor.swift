// A file descriptor with one owner: it is closed exactly once, by whoever holds it last.
import Glibc

/// An open file descriptor. Closed when it ends; cannot be copied, so cannot be closed twice.
package struct Descriptor: ~Copyable, Sendable {
  package let number: Int32

  /// Takes over a descriptor that nothing else will close.
  package init(adopting number: Int32) {
    self.number = number
  }

  deinit { _ = Glibc.close(number) }

  /// Gives the number away; whoever takes it closes it.
  package consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }
}
