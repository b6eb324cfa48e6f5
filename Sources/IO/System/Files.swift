// Files that are read whole, and whether they have changed since. Nothing here waits for a loop: it is
// for the start, and for threads that may take their time.
import CLinux
import Glibc

/// What tells one state of a file from another. Two seconds of the same bytes differ in `changed`.
package struct FileStamp: Sendable, Hashable {
  package let isFolder: Bool
  package let size: Int
  let device: UInt
  let inode: UInt
  /// Nanoseconds since 1970 of the last change of the bytes, and of anything.
  let modified: Int
  let changed: Int

  fileprivate init(_ status: stat) {
    isFolder = status.st_mode & S_IFMT == S_IFDIR
    size = Int(status.st_size)
    device = UInt(status.st_dev)
    inode = UInt(status.st_ino)
    modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
    changed = status.st_ctim.tv_sec &* 1_000_000_000 &+ status.st_ctim.tv_nsec
  }
}

package enum Files {
  /// The state of what a path leads to, links followed.
  package static func stamp(_ path: String) throws(SystemError) -> FileStamp {
    var status = stat()
    // SAFETY: the path is a C string for the length of the call, which fills `status`.
    guard unsafe stat(path, &status) == 0 else { throw SystemError(code: clinux_errno()) }
    return FileStamp(status)
  }

  /// The bytes of a file.
  ///
  /// - Returns: nil when there are more than `limit`.
  /// - Throws: also EAGAIN, for a file that grows meanwhile.
  package static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8]? {
    // SAFETY: the path is a C string for the length of the call. Not to wait for the writer of a pipe.
    let number = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else { throw SystemError(code: clinux_errno()) }
    let file = Descriptor(adopting: number)
    var status = stat()
    // SAFETY: fstat fills `status`.
    guard unsafe fstat(file.number, &status) == 0 else { throw SystemError(code: clinux_errno()) }
    guard status.st_size <= limit else { return nil }
    // In one piece, as an array that grows leaves copies of what may be a secret. What is no regular
    // file has no size.
    let size = status.st_size > 0 ? Int(status.st_size) : limit
    var bytes = [UInt8](repeating: 0, count: size + 1)
    var count = 0
    while count < bytes.count {
      // SAFETY: the kernel writes at most as many bytes as are left.
      let n = unsafe bytes.withUnsafeMutableBytes { room -> Int in
        guard let start = room.baseAddress else { return 0 }
        return unsafe Glibc.read(file.number, start + count, room.count - count)
      }
      if n == 0 { break }
      guard n > 0 else {
        let error = clinux_errno()
        if error == EINTR { continue }
        throw SystemError(code: error)
      }
      count += n
    }
    if count > limit { return nil }
    if count > size { throw SystemError(code: EAGAIN) }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// The names in a folder but `.` and `..`, in the order of their bytes.
  package static func names(in folder: String) throws(SystemError) -> [String] {
    // SAFETY: the path is a C string for the length of the call.
    guard let entries = unsafe opendir(folder) else { throw SystemError(code: clinux_errno()) }
    // SAFETY: closed once; each entry lives until the next one is read, and is copied before.
    defer { unsafe closedir(entries) }
    var names: [String] = []
    while let entry = unsafe readdir(entries) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
