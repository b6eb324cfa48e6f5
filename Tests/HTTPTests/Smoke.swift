import Bytes
import Testing

@testable import HTTP

@Test func `smoke`() throws {
  let text = "GET /a/b?c=d HTTP/1.1\r\nHost: example.com:80\r\nUser-Agent: x y\r\nContent-Length:  12 \r\nConnection: keep-alive, foo\r\nFoo: 1\r\n\r\nrest"
  let bytes = Array(text.utf8)
  let span = unsafe bytes.span.bytes
  let head = RequestHead()
  var parser = HeadParser(limits: .request)
  #expect(try parser.parse(span, into: head))
  #expect(head.byteCount == bytes.count - 4)
  #expect(head.framing == .length(12))
  for f in head.fields { print(span.string(f.name), span.string(f.value), f.known, f.flags) }
}
