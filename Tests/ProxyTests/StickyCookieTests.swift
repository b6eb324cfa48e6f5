// Cookies in a Cookie field, by RFC 6265.
import HTTP
import Testing

@testable import Proxy

private func values(_ field: String, of name: String) -> [String] {
  let bytes = Array(field.utf8)
  // SAFETY: a UInt8 has no padding that could be read.
  let span = unsafe bytes.span.bytes
  var position = 0
  var found: [String] = []
  while let range = span.cookie(named: Array(name.utf8), from: &position) {
    found.append(String(decoding: bytes[range], as: UTF8.self))
  }
  return found
}

@Test(arguments: [
  ("n=1", ["1"]), ("a=b; n=1; c=d", ["1"]), ("n=1;n=2", ["1", "2"]), ("  n=1\t", ["1"]),
  ("n=", [""]), ("n", []), ("", []), (";;;", []), ("nn=1; mn=2; N=3", []), ("n =1", []),
  ("n=a=b", ["a=b"]), ("x=\"n=1\"", []),
])
func `a cookie is found by its whole name`(_ field: String, _ expected: [String]) {
  #expect(values(field, of: "n") == expected)
}
