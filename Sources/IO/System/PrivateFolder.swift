// A folder for what only this program may read, such as keys: the folder has mode 0700, each file in
// it 0600, and a file is replaced as a whole or not at all.
//
// The calls wait for the disk; they are for the thread of the supervisor, not for workers.
import CLinux
import Glibc

/// A folder of files that are kept from one start to the next. A value; opens nothing until asked.
package struct PrivateFolder: Sendable, Equatable {
  /// Bytes of a file's name (NAME_MAX), less those of a file that is being written.
  package static let longestName = 250

  package let path: String

  package init(_ path: String) { self.path = path }

  /// A folder in this one.
  package func folder(_ name: String) -> PrivateFolder { PrivateFolder(path + "/" + name) }

  /// Makes the folder, and those above it, where they are missing, and makes sure that files can be
  /// made in it.
  ///
  /// - Parameter closing: whether one that is there already, and ours, gets the right mode, too. Not
  ///   for one that somebody named: it may be a folder of many.
  package func create(closing: Bool = true) throws(SystemError) {
    guard !path.isEmpty, !path.utf8.contains(0) else { throw SystemError(code: EINVAL) }
    try Self.makeParents(of: path)
    let made = unsafe mkdir(path, S_IRWXU)
    if made < 0, clinux_errno() != EEXIST { throw SystemError(code: clinux_errno()) }
    var status = stat()
    // SAFETY: stat fills the structure it is given; the path lives for the call.
    try Self.check(unsafe stat(path, &status))
    guard status.st_mode & S_IFMT == S_IFDIR else { throw SystemError(code: ENOTDIR) }
    if closing, status.st_uid == geteuid(), status.st_mode & 0o777 != S_IRWXU {
      try Self.check(unsafe chmod(path, S_IRWXU))
    }
    try Self.check(unsafe faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS))
  }

  /// The folders above are anybody's: they get the mode that the umask leaves.
  private static func makeParents(of path: String) throws(SystemError) {
    for index in path.indices.dropFirst() where path[index] == "/" {
      let parent = String(path[..<index])
      guard unsafe mkdir(parent, 0o755) < 0 else { continue }
      let error = clinux_errno()
      // One that cannot be made may be there all the same, in a folder that we may not write to.
      if error != EEXIST, unsafe access(parent, F_OK) != 0 { throw SystemError(code: error) }
    }
  }

  /// The bytes of a file; nil when there is none.
  ///
  /// - Throws: also (EFBIG) when there are more than `limit`.
  package func read(_ name: String, limit: Int = 1 << 20) throws(SystemError) -> [UInt8]? {
    do throws(SystemError) {
      guard let bytes = try Files.read(path + "/" + name, limit: limit) else {
        throw SystemError(code: EFBIG)
      }
      return bytes
    } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
  }

  /// Writes a file. Whoever reads it sees the old bytes or the new ones, also after a crash.
  package func write(_ bytes: [UInt8], to name: String) throws(SystemError) {
    let target = path + "/" + name
    let new = target + ".new"
    // What an earlier crash has left.
    _ = unsafe Glibc.unlink(new)
    do throws(SystemError) {
      try Self.write(bytes, at: new)
      try Self.check(unsafe rename(new, target))
    } catch {
      _ = unsafe Glibc.unlink(new)
      throw error
    }
    synchronize()
  }

  private static func write(_ bytes: [UInt8], at path: String) throws(SystemError) {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
    let opened = unsafe Glibc.open(path, flags, S_IRUSR | S_IWUSR)
    try check(opened)
    let file = Descriptor(adopting: opened)
    var position = 0
    while position < bytes.count {
      // SAFETY: the rest of the array is lent for the call with its length.
      let count = unsafe bytes[position...].withUnsafeBytes {
        unsafe Glibc.write(file.number, $0.baseAddress, $0.count)
      }
      if count < 0, clinux_errno() == EINTR { continue }
      if count < 0 { throw SystemError(code: clinux_errno()) }
      position += count
    }
    try check(fsync(file.number))
  }

  /// Has the folder's entries written to the disk, so that a rename outlives a crash.
  private func synchronize() {
    let opened = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard opened >= 0 else { return }
    _ = fsync(opened)
    _ = Glibc.close(opened)
  }

  /// Gives the folder and the files in it to a user, before this process becomes that user.
  ///
  /// - Parameter ifClosed: only the folder itself, and not one that others may enter: there, the user
  ///   can use what is in it, and it may be a folder of many.
  package func give(
    to identity: UserIdentity, ifClosed: Bool = false
  ) throws(SystemError) {
    var status = stat()
    // SAFETY: stat fills the structure it is given; the path lives for the call.
    try Self.check(unsafe stat(path, &status))
    if ifClosed, status.st_mode & S_IXOTH != 0 { return }
    try Self.check(unsafe lchown(path, identity.user, identity.group))
    if ifClosed { return }
    for name in try Files.names(in: path) {
      try Self.check(unsafe lchown(path + "/" + name, identity.user, identity.group))
    }
  }

  private static func check(_ result: Int32) throws(SystemError) {
    if result < 0 { throw SystemError(code: clinux_errno()) }
  }
}
