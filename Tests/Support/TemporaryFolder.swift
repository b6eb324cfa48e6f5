// A folder for the files of a test, removed with all that is in it.
import Glibc
import IO

/// Runs `body` with the path of a new folder, which is removed afterwards.
package func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  // A constant pattern of a length that mkdtemp keeps.
  var pattern = Array("/tmp/rsp-test-XXXXXX".utf8CString)
  // SAFETY: mkdtemp changes the letters of the NUL-terminated pattern in place.
  let made = unsafe pattern.withUnsafeMutableBufferPointer { pattern in
    unsafe pattern.baseAddress.map { unsafe mkdtemp($0) != nil } ?? false
  }
  precondition(made, "cannot make a folder")
  let path = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { removeTree(path) }
  return try body(path)
}

/// Writes a file, replacing what is there at once as a careful program does.
package func write(_ text: String, to path: String) {
  let bytes = Array(text.utf8)
  let new = path + ".new"
  // SAFETY: the paths are C strings, and as many bytes are written as there are.
  let file = unsafe open(new, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
  precondition(file >= 0, "cannot write \(path)")
  let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
  precondition(written == bytes.count)
  close(file)
  _ = unsafe rename(new, path)
}

package func makeFolder(_ path: String) {
  let result = unsafe mkdir(path, 0o700)
  precondition(result == 0, "cannot make \(path)")
}

package func removeFolder(_ path: String) { _ = unsafe rmdir(path) }

package func removeFile(_ path: String) { _ = unsafe unlink(path) }

private func removeTree(_ path: String) {
  for name in (try? Files.names(in: path)) ?? [] { removeTree(path + "/" + name) }
  _ = unsafe remove(path)
}
