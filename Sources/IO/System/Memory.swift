// The allocator's memory, seen from outside.
import CLinux

/// The process's memory.
package enum Memory {
  /// Gives free pages back to the system (malloc_trim); some tenths of a millisecond.
  package static func trim() {
    clinux_trim_memory()
  }
}
