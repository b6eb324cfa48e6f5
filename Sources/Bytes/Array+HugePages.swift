// Large tables in huge pages: a look-up in many megabytes of 4 KiB pages mostly waits for an address to be
// translated first, and in a virtual machine that takes as long as the memory itself.
import Glibc

extension Array where Element: BitwiseCopyable {
  /// So many equal elements, in huge pages where there are enough of them and the kernel offers such
  /// pages (`transparent_hugepage` is `madvise` or `always`).
  // Inlined, since a generic function of another module would ask for the type at each element.
  @inlinable
  package init(inHugePages element: Element, count: Int) {
    self = []
    reserveCapacity(count)
    Self.advise(&self)
    append(contentsOf: repeatElement(element, count: count))
  }

  @usableFromInline
  package static func advise(_ room: inout [Element]) {
    let bytes = room.capacity * MemoryLayout<Element>.stride
    guard bytes >= 2 << 20 else { return }
    unsafe room.withUnsafeMutableBufferPointer { room in
      // SAFETY: the advice is about whole pages within the array's own room, which is allocated and not
      // written yet; it changes no byte. Where it is refused, nothing is lost but time.
      guard let start = UnsafeMutableRawPointer(room.baseAddress) else { return }
      let page = 4096
      let first = unsafe start.alignedUp(toMultipleOf: page)
      let length = unsafe (start + bytes - first) / page * page
      if length > 0 { unsafe _ = madvise(first, length, MADV_HUGEPAGE) }
    }
  }
}
