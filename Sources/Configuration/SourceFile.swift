// Files that a configuration is made of, or names: read whole when it is loaded. Nothing is read
// while requests run.
import Glibc

/// Why a file could not be read; the description completes `cannot open PATH: ...`.
struct FileError: Error, Equatable, CustomStringConvertible {
  var description: String

  /// The reason of the last call that failed.
  static var last: FileError {
    // SAFETY: strerror gives a string that lives until the thread's next call of it.
    FileError(description: unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error")
  }
}

enum SourceFile {
  /// The bytes of a file.
  /// - Throws: the system's reason, or that there are more than `limit` bytes.
  static func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
    guard !path.utf8.contains(0) else { throw FileError(description: "the path holds a NUL") }
    // SAFETY: the path is a C string for the length of the call.
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .last }
    defer { close(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      // SAFETY: the kernel writes at most `count` bytes to a block of that size.
      let count = unsafe block.withUnsafeMutableBytes { room in
        unsafe Glibc.read(file, room.baseAddress, room.count)
      }
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw .last
      }
      guard bytes.count + count <= limit else {
        throw FileError(description: "the file is larger than \(Unit.bytes.format(limit))")
      }
      bytes.append(contentsOf: block[..<count])
    }
  }

  /// Whether there is a folder at a path.
  static func isFolder(_ path: String) -> Bool {
    guard !path.utf8.contains(0) else { return false }
    var facts = stat()
    // SAFETY: the path is a C string, and `facts` a place for the answer, for the length of the call.
    return unsafe stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
  }

  /// The paths that a pattern of the shell means, sorted by name; none is no error.
  static func glob(_ pattern: String) -> [String] {
    guard !pattern.utf8.contains(0) else { return [] }
    var found = unsafe glob_t()
    // SAFETY: glob fills in `found`, whose paths are C strings until globfree, and copied before.
    defer { unsafe globfree(&found) }
    guard unsafe Glibc.glob(pattern, GLOB_NOSORT, nil, &found) == 0 else { return [] }
    let paths = unsafe (0..<Int(found.gl_pathc)).compactMap { index in
      unsafe found.gl_pathv[index].map { unsafe String(cString: $0) }
    }
    // By bytes and not by the locale, so that every machine has the same order.
    return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Whether a path is a pattern rather than the name of one file.
  static func isPattern(_ path: String) -> Bool { path.contains { "*?[".contains($0) } }

  /// The folder that holds the file at `path`.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The path of a file that is named relative to a folder.
  static func path(_ name: String, in folder: String) -> String {
    if name.hasPrefix("/") || folder == "." { return name }
    return folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }
}
