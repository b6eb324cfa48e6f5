// Paths in every spelling, and the one they are brought to.
import Bytes
import Testing

@testable import HTTP

/// The normal form; nil if the path is normal already and nothing was written.
private func normalize(_ path: String) throws(PathError) -> String? {
  let bytes = Array(path.utf8)
  let pool = BufferPool()
  var buffer = pool.borrow(.small)
  buffer.append("before")
  var isChanged = false
  do throws(PathError) {
    isChanged = try PathNormalizer.normalize(unsafe bytes.span.bytes, into: &buffer)
  } catch {
    #expect(buffer.bytes.string() == "before")
    throw error
  }
  let all = buffer.bytes.string()
  #expect(all.hasPrefix("before") && isChanged == (all != "before"))
  return isChanged ? String(all.dropFirst(6)) : nil
}

private let normal = [
  "/", "/a", "/a/", "/a/b.c", "/.well-known/x", "/a/.b/..c/...", "/...", "/a..b", "/a.", "/a/b..",
  "/%2F", "/a%2Fb", "/a%5Cb", "/%20", "/%7F", "/%C3%A9", "/%25", "/%252e", "/a;b=c,d:e@f!$&'()*+",
  "/0123456789abcdef/0123456789abcdef", "/a{b}|c^`d\"<>",
]

@Test(arguments: normal) func `a normal path is left alone`(path: String) throws {
  #expect(try normalize(path) == nil)
}

private let changes = [
  ("", "/"), ("//", "/"), ("///a", "/a"), ("/a//b", "/a/b"), ("/a//", "/a/"), ("/.", "/"),
  ("/./", "/"), ("/a/.", "/a/"), ("/a/./b", "/a/b"), ("/a/..", "/"), ("/a/../", "/"),
  ("/a/b/..", "/a/"), ("/a/b/../c", "/a/c"), ("/a/b/../../c", "/c"), ("/a//../b", "/b"),
  ("/a/.//../b", "/b"), ("/%61", "/a"), ("/%41%7e%2D%5f", "/A~-_"), ("/%2e", "/"),
  ("/a/%2e%2e", "/"), ("/a/%2E./b", "/b"), ("/a/.%2e", "/"), ("/%2e%2e%2e", "/..."),
  ("/a%2fb", "/a%2Fb"), ("/a%5cb", "/a%5Cb"), ("/a\\b", "/a%5Cb"), ("/%c3%A9", "/%C3%A9"),
  ("/..%2f", "/..%2F"), ("/a/..%2fb", "/a/..%2Fb"), ("/%2525%41", "/%2525A"),
  ("/%2e%2fa", "/.%2Fa"), ("/0123456789abcde//x", "/0123456789abcde/x"),
  ("/0123456789abcd//x", "/0123456789abcd/x"), ("/0123456789abcd/./x", "/0123456789abcd/x"),
]

@Test(arguments: changes) func `other spellings become the normal one`(
  path: String, expected: String
) throws {
  #expect(try normalize(path) == expected)
  #expect(try normalize(expected) == nil)
}

private let faults: [(String, PathError)] = [
  ("/..", .aboveRoot), ("/../", .aboveRoot), ("/../a", .aboveRoot), ("/a/../..", .aboveRoot),
  ("/a/../../b", .aboveRoot), ("/%2e%2e", .aboveRoot), ("/./..", .aboveRoot), ("//..", .aboveRoot),
  ("/%00", .forbiddenByte), ("/a%00b", .forbiddenByte), ("/a\0", .forbiddenByte),
  ("/ ", .forbiddenByte), ("/a\tb", .forbiddenByte), ("/a\u{7f}", .forbiddenByte),
  ("/\u{e9}", .forbiddenByte), ("/a#b", .forbiddenByte), ("/a?b", .forbiddenByte),
  ("/%41\r\n", .forbiddenByte), ("/%", .brokenEscape), ("/%4", .brokenEscape),
  ("/%4g", .brokenEscape), ("/%g4", .brokenEscape), ("/%%41", .brokenEscape),
  ("/%41%", .brokenEscape), ("a", .notAbsolute), ("*", .notAbsolute), ("%2f", .notAbsolute),
]

@Test(arguments: faults) func `a path without a normal form is refused`(
  path: String, fault: PathError
) {
  #expect(throws: fault) { try normalize(path) }
}

@Test func `the normal form is found once and for all`() throws {
  // Every path of up to six of these pieces: what comes out is normal and does not climb.
  let pieces = ["/", ".", "%2e", "a", "%2f", "\\"]
  var paths = [""]
  for _ in 0..<6 { paths += paths.filter { $0.count < 24 }.flatMap { p in pieces.map { p + $0 } } }
  for path in Set(paths) where path.hasPrefix("/") {
    guard let once = try? normalize(path) ?? path else { continue }
    #expect(try normalize(once) == nil, "\(path)")
    #expect(!(once + "/").contains("/../") && !once.contains("//"), "\(path)")
  }
}

@Test func `a path that does not fit is an error`() {
  let pool = BufferPool()
  var buffer = pool.borrow(.small)
  while buffer.tailroom > 3 { buffer.append(0x61) }
  let fits = Array("/a//b".utf8)
  let isTooLong = Array("//abc".utf8)
  #expect(throws: PathError.tooLong) {
    try PathNormalizer.normalize(unsafe isTooLong.span.bytes, into: &buffer)
  }
  #expect(buffer.tailroom == 3)
  #expect(throws: PathError.tooLong) {
    try PathNormalizer.normalize(unsafe fits.span.bytes, into: &buffer)
  }
  let exact = Array("//a/".utf8)
  #expect(throws: Never.self) {
    try PathNormalizer.normalize(unsafe exact.span.bytes, into: &buffer)
  }
  #expect(buffer.tailroom == 0)
}
