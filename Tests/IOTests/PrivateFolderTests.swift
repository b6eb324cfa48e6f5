// A folder that only its owner may use: its modes, whole files, and what is left alone.
import Glibc
import Testing

@testable import IO

struct PrivateFolderTests {
  /// Runs a body with the path of an empty folder that is removed afterwards.
  private func withFolder(_ body: (String) throws -> Void) throws {
    var name = Array("/tmp/rsp-test-XXXXXX".utf8CString)
    // SAFETY: mkdtemp writes to the text, which ends with a NUL.
    let made = unsafe mkdtemp(&name) != nil
    #expect(made)
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { remove(path) }
    try body(path)
  }

  private func remove(_ path: String) {
    for name in (try? Files.names(in: path)) ?? [] { remove(path + "/" + name) }
    _ = unsafe Glibc.remove(path)
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    // SAFETY: stat fills the structure it is given.
    return unsafe stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  @Test func `a folder is made with those above it and closed to others`() throws {
    try withFolder { root in
      let folder = PrivateFolder(root + "/a/b")
      try folder.create()
      #expect(mode(folder.path) == 0o700)
      try folder.create()
      #expect(mode(folder.path) == 0o700)
    }
  }

  @Test func `one that is there is closed if it is ours to close`() throws {
    try withFolder { root in
      #expect(unsafe chmod(root, 0o755) == 0)
      let folder = PrivateFolder(root)
      try folder.create(closing: false)
      #expect(mode(root) == 0o755)
      try folder.create()
      #expect(mode(root) == 0o700)
    }
  }

  @Test func `what is no folder is refused`() throws {
    try withFolder { root in
      try PrivateFolder(root).write([1], to: "file")
      #expect(throws: SystemError(code: ENOTDIR)) { try PrivateFolder(root + "/file").create() }
      #expect(throws: SystemError(code: ENOTDIR)) { try PrivateFolder(root + "/file/a").create() }
      #expect(throws: SystemError(code: EINVAL)) { try PrivateFolder("").create() }
      #expect(throws: SystemError(code: EINVAL)) { try PrivateFolder("a\0b").create() }
    }
  }

  @Test func `a file is written whole, for its owner alone, and read again`() throws {
    try withFolder { root in
      let folder = PrivateFolder(root)
      #expect(try folder.read("key") == nil)
      let old = umask(0)
      defer { _ = umask(old) }
      try folder.write(Array(repeating: 7, count: 100_000), to: "key")
      #expect(mode(root + "/key") == 0o600)
      try folder.write([1, 2, 3], to: "key")
      #expect(try folder.read("key") == [1, 2, 3])
      #expect(try Files.names(in: root) == ["key"])
    }
  }

  @Test func `what a crash has left behind does not keep a file from being written`() throws {
    try withFolder { root in
      let folder = PrivateFolder(root)
      try folder.write([9], to: "key.new")
      try folder.write([1], to: "key")
      #expect(try folder.read("key") == [1])
      #expect(try Files.names(in: root) == ["key"])
    }
  }

  @Test func `a link in the place of a file is replaced and not followed`() throws {
    try withFolder { root in
      let folder = PrivateFolder(root)
      try folder.write([5], to: "other")
      #expect(unsafe symlink(root + "/other", root + "/key.new") == 0)
      #expect(unsafe symlink(root + "/other", root + "/key") == 0)
      try folder.write([1], to: "key")
      #expect(try folder.read("other") == [5])
      #expect(try folder.read("key") == [1])
    }
  }

  @Test func `a file is read up to a limit`() throws {
    try withFolder { root in
      let folder = PrivateFolder(root)
      try folder.write([1, 2, 3, 4], to: "key")
      #expect(try folder.read("key", limit: 4) == [1, 2, 3, 4])
      #expect(throws: SystemError(code: EFBIG)) { try folder.read("key", limit: 3) }
    }
  }
}
