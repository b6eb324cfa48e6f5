// Reads a document of the project, for tests that hold it to what is true.
import Glibc

struct NoSuchDocument: Error { let path: String }

/// - Parameter path: from the package's root.
func document(_ path: String) throws -> String {
  let here = #filePath.split(separator: "/", omittingEmptySubsequences: false)
  let full = (here.dropLast(3) + [path[...]]).joined(separator: "/")
  // SAFETY: the descriptor is open, and the buffer is as long as read is told.
  let descriptor = unsafe open(full, O_RDONLY)
  guard descriptor >= 0 else { throw NoSuchDocument(path: full) }
  defer { _ = close(descriptor) }
  var text: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 65_536)
  while true {
    // SAFETY: as above.
    let count = unsafe read(descriptor, &block, block.count)
    guard count > 0 else { return String(decoding: text, as: UTF8.self) }
    text += block[..<count]
  }
}
