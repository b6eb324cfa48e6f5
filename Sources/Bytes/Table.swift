// A table of plain values with one owner: of a fixed size, each value where the processor's cache and
// the tables of the kernel's memory serve it best.
import Glibc

/// So many values of one kind, by their numbers.
///
/// An array would do the same, but for two things that a table of some megabytes wants, of which each
/// look-up reads another place. Its values begin at a cache line, so one whose size is a power of two
/// up to 64 bytes lies in one line. And its memory is offered to the kernel for huge pages: a look-up in
/// pages of 4 KiB mostly waits for an address to be translated first.
///
/// Copied never, and freed with its owner.
@safe
@usableFromInline
package struct Table<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline let base: UnsafeMutablePointer<Element>
  /// How many values it has.
  @usableFromInline package let count: Int

  /// The size of a processor's cache line, and of a huge page, in bytes.
  @usableFromInline static var line: Int { 64 }
  @usableFromInline static var hugePage: Int { 2 << 20 }

  /// - Parameter count: from 0 on.
  @inlinable
  package init(repeating value: Element, count: Int) {
    precondition(count >= 0)
    let bytes = count * MemoryLayout<Element>.stride
    let isLarge = bytes >= Self.hugePage
    // SAFETY: allocated here for `count` values, all initialised here and plain, so that there is nothing
    // to deinitialise; freed in `deinit`. The advice is about memory of the block alone and changes no
    // byte of it; where it is refused, nothing is lost but time.
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: bytes, alignment: isLarge ? Self.hugePage : Self.line)
    if isLarge { unsafe _ = madvise(block, bytes, MADV_HUGEPAGE) }
    unsafe base = block.bindMemory(to: Element.self, capacity: count)
    unsafe base.initialize(repeating: value, count: count)
    self.count = count
  }

  @inlinable
  deinit { unsafe base.deallocate() }

  /// Bytes of memory behind it.
  @inlinable package var byteCount: Int { count * MemoryLayout<Element>.stride }

  @inlinable
  package subscript(number: Int) -> Element {
    @inline(__always) _read {
      precondition(UInt(bitPattern: number) < UInt(bitPattern: count))
      // SAFETY: the number was checked; all values are initialised, and who has the table has them alone.
      yield unsafe base[number]
    }
    @inline(__always) _modify {
      precondition(UInt(bitPattern: number) < UInt(bitPattern: count))
      // SAFETY: as above.
      yield unsafe &base[number]
    }
  }

  /// A larger table that begins with the same values.
  package func grown(to count: Int, filling value: Element) -> Table {
    var larger = Table(repeating: value, count: count)
    for number in 0..<self.count { larger[number] = self[number] }
    return larger
  }
}

// SAFETY: the memory is the table's alone, and it changes only by `_modify`, for which the compiler
// demands exclusive access, as of any value.
extension Table: @unchecked Sendable where Element: Sendable {}
