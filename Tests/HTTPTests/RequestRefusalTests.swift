// Every kind of request that must be refused, and with which answer.
import Testing

@testable import HTTP

private let start = "GET / HTTP/1.1\r\nHost: a\r\n"

private let badLines: [(String, HeadFault)] = [
  ("\r\n\r\n\r\nGET / HTTP/1.1\r\n", .emptyLines),
  ("\r\r\nGET / HTTP/1.1\r\n", .bareCarriageReturn),
  ("\nGET / HTTP/1.1\r\n", .method),
  (" GET / HTTP/1.1\r\n", .method),
  ("GE\tT / HTTP/1.1\r\n", .method),
  ("G@T / HTTP/1.1\r\n", .method),
  ("G\0T / HTTP/1.1\r\n", .method),
  ("GET\r\n", .method),
  ("GET  / HTTP/1.1\r\n", .target),
  ("GET /a\tb HTTP/1.1\r\n", .target),
  ("GET /a#b HTTP/1.1\r\n", .target),
  ("GET /\u{e9} HTTP/1.1\r\n", .target),
  ("GET /\u{7f} HTTP/1.1\r\n", .target),
  ("GET /\0 HTTP/1.1\r\n", .target),
  ("GET /\r\n", .version),
  ("GET /\n", .version),
  ("GET / \r\n", .version),
  ("GET / b HTTP/1.1\r\n", .version),
  ("GET / http/1.1\r\n", .version),
  ("GET / HTTP/1.1 \r\n", .version),
  ("GET / HTTP/1.1\n", .version),
  ("GET / HTTP/1.1\rX", .bareCarriageReturn),
  ("GET / HTTP/1.10\r\n", .version),
  ("GET / HTTP/11.1\r\n", .version),
  ("GET / HTTP/1\r\n", .version),
  ("GET / HTTP/1,1\r\n", .version),
  ("GET / HTTPS/1.1\r\n", .version),
]

@Test(arguments: badLines) func `a malformed request line is refused`(
  line: String, fault: HeadFault
) {
  #expect(request(line) == .refused(.badRequest(fault)))
}

private let badTargets = [
  "GET a HTTP/1.1", "GET * HTTP/1.1", "OPTIONS ** HTTP/1.1", "GET a:80 HTTP/1.1",
  "GET ftp://a/ HTTP/1.1", "GET http:/a HTTP/1.1", "GET http:// HTTP/1.1",
  "GET http:///x HTTP/1.1", "GET http://?x HTTP/1.1", "GET https:// HTTP/1.1",
  "GET http://u@a/ HTTP/1.1", "GET http://a,b/ HTTP/1.1", "GET http://a:x/ HTTP/1.1",
  "GET ws://a/ HTTP/1.1", "GET ?x HTTP/1.1", "GET http://a\\b/ HTTP/1.1",
  "CONNECT / HTTP/1.1", "CONNECT a HTTP/1.1", "CONNECT http://a/ HTTP/1.1",
  "CONNECT a: HTTP/1.1", "CONNECT u@a:80 HTTP/1.1", "CONNECT a:80?x HTTP/1.1",
  "CONNECT * HTTP/1.1",
]

@Test(arguments: badTargets) func `a target of the wrong form is refused`(line: String) {
  #expect(request(line + "\r\n") == .refused(.badRequest(.targetForm)))
}

@Test(arguments: ["HTTP/2.0", "HTTP/0.9", "HTTP/3.1"])
func `another major version gets 505`(version: String) {
  #expect(request("GET / \(version)\r\n") == .refused(.versionNotSupported))
}

private let badFields: [(String, HeadFault)] = [
  (" A: b\r\n", .foldedLine),
  ("\tA: b\r\n", .foldedLine),
  ("A: b\r\n c\r\n", .foldedLine),
  ("A: b\r\n\tc\r\n", .foldedLine),
  ("A : b\r\n", .blankBeforeColon),
  ("A\t: b\r\n", .blankBeforeColon),
  (": b\r\n", .fieldName),
  ("A\r\n", .fieldName),
  ("A b\r\n", .blankBeforeColon),
  ("A(: b\r\n", .fieldName),
  ("A\u{e9}: b\r\n", .fieldName),
  ("A\0: b\r\n", .fieldName),
  ("A/b: c\r\n", .fieldName),
  ("\nA: b\r\n", .fieldName),
  ("A: b\n", .fieldValue),
  ("A: b\nB: c\r\n", .fieldValue),
  ("A: \0\r\n", .fieldValue),
  ("A: b\u{1}c\r\n", .fieldValue),
  ("A: b\u{b}\r\n", .fieldValue),
  ("A: b\u{7f}\r\n", .fieldValue),
  ("A: b\u{1f}\r\n", .fieldValue),
  ("A: b\rc\r\n", .bareCarriageReturn),
  ("A: b\r\r\n", .bareCarriageReturn),
  ("\rA: b\r\n", .bareCarriageReturn),
  ("Host: a\r\n", .repeatedHost),
  ("hOST: b\r\n", .repeatedHost),
  ("Content-Length: \r\n", .contentLength),
  ("Content-Length: +1\r\n", .contentLength),
  ("Content-Length: -1\r\n", .contentLength),
  ("Content-Length: 0x10\r\n", .contentLength),
  ("Content-Length: 1_0\r\n", .contentLength),
  ("Content-Length: 1 0\r\n", .contentLength),
  ("Content-Length: 1,1\r\n", .contentLength),
  ("Content-Length: 1;\r\n", .contentLength),
  ("Content-Length: 1.0\r\n", .contentLength),
  ("Content-Length: 9223372036854775808\r\n", .contentLength),
  ("Content-Length: 18446744073709551617\r\n", .contentLength),
  ("Content-Length: 00000000000000000001\r\n", .contentLength),
  ("Content-Length: \u{661}\r\n", .contentLength),
  ("Content-Length: 1\r\nContent-Length: 1\r\n", .repeatedContentLength),
  ("Content-Length: 1\r\nCONTENT-LENGTH: 2\r\n", .repeatedContentLength),
  ("Transfer-Encoding:\r\n", .transferEncoding),
  ("Transfer-Encoding: ,\r\n", .transferEncoding),
  ("Transfer-Encoding: chunked,\r\n", .transferEncoding),
  ("Transfer-Encoding: ,chunked\r\n", .transferEncoding),
  ("Transfer-Encoding: chunked, chunked\r\n", .transferEncoding),
  ("Transfer-Encoding: chunked, gzip\r\n", .transferEncoding),
  ("Transfer-Encoding: chunked;q=1\r\n", .transferEncoding),
  ("Transfer-Encoding: \"chunked\"\r\n", .transferEncoding),
  ("Transfer-Encoding: chunked\u{e9}\r\n", .transferEncoding),
  ("Transfer-Encoding: chunked x\r\n", .transferEncoding),
  ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .repeatedTransferEncoding),
  ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", .repeatedTransferEncoding),
  ("Connection: a b\r\n", .connection),
  ("Connection: \"close\"\r\n", .connection),
  ("Connection: close, @\r\n", .connection),
]

@Test(arguments: badFields) func `a malformed field is refused as soon as it is seen`(
  field: String, fault: HeadFault
) {
  #expect(request(start + field) == .refused(.badRequest(fault)))
  #expect(
    request(start + "X-Before: something longer than a word\r\n" + field + "X: y\r\n\r\n")
      == .refused(.badRequest(fault)))
}

private let contradictions: [(String, RequestError)] = [
  ("GET / HTTP/1.1\r\n", .badRequest(.missingHost)),
  ("GET / HTTP/1.2\r\n", .badRequest(.missingHost)),
  ("GET http://a/ HTTP/1.1\r\n", .badRequest(.missingHost)),
  ("GET http://a/ HTTP/1.1\r\nHost: b\r\n", .badRequest(.differingHost)),
  ("GET http://a/ HTTP/1.1\r\nHost: a:80\r\n", .badRequest(.differingHost)),
  ("GET http://a:80/ HTTP/1.0\r\nHost: a\r\n", .badRequest(.differingHost)),
  (start + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", .badRequest(.lengthAndEncoding)),
  (start + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", .badRequest(.lengthAndEncoding)),
  (start + "Transfer-Encoding: gzip\r\nContent-Length: 0\r\n", .badRequest(.lengthAndEncoding)),
  (
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n",
    .badRequest(.transferEncodingInOldVersion)
  ),
  ("POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n", .badRequest(.transferEncodingInOldVersion)),
  (start + "Transfer-Encoding: gzip\r\n", .notImplemented),
  (start + "Transfer-Encoding: identity\r\n", .notImplemented),
  (start + "Transfer-Encoding: gzip, chunked\r\n", .notImplemented),
  (start + "Transfer-Encoding: gzip;level=1\r\n", .notImplemented),
  (start + "Transfer-Encoding: xchunked\r\n", .notImplemented),
  (start + "Expect: 200-ok\r\n", .expectationFailed),
  (start + "Expect:\r\n", .expectationFailed),
  (start + "Expect: 100-continue, x\r\n", .expectationFailed),
  (start + "Expect: 100-continue\r\nExpect: x\r\n", .expectationFailed),
]

@Test(arguments: contradictions) func `a head that contradicts itself is refused at its end`(
  head: String, error: RequestError
) {
  #expect(request(head) == .needMore)
  #expect(request(head + "\r\n") == .refused(error))
}

private let badHosts = [
  "", "a,b", "a, b", "u@a", "a b", "a\tb", "a/", "a:", ":80", "a:80:80", "a:65536", "a:-1",
  "a:+1", "a:0x50", "a:123456", "a:8o", "[::1", "::1", "[]", "[:]", "[1::2::3]", "[12345::]",
  "[::1]x", "[::1]:", "[::1]:99999", "[g::]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[::1%1]",
  "[::256.1.1.1]", "[::1.2.3]", "[::1.2.3.4.5]", "[::01.2.3.4]", "[1.2.3.4]",
  "[1:2:3:4:5:6:7:1.2.3.4]",
  "[:1::]", "[1:]", "[v1.a]", "a%", "a%2", "a%zz", "a\"", "a<b>", "a\\b", "a?b", "a#b", "a|b",
  "a^b", "\u{e9}", "a[b]", "http://a",
]

@Test(arguments: badHosts) func `a Host that is no host and port is refused`(host: String) {
  let expected = Outcome.refused(RequestError.badRequest(.invalidHost))
  #expect(request("GET / HTTP/1.1\r\nHost: \(host)\r\n") == expected)
  #expect(request("GET / HTTP/1.0\r\nHost: \(host)\r\n") == expected)
}

@Test func `every error has its status`() {
  #expect(RequestError.badRequest(.method).status.rawValue == 400)
  #expect(RequestError.uriTooLong.status.rawValue == 414)
  #expect(RequestError.fieldsTooLarge.status.rawValue == 431)
  #expect(RequestError.expectationFailed.status.rawValue == 417)
  #expect(RequestError.notImplemented.status.rawValue == 501)
  #expect(RequestError.versionNotSupported.status.rawValue == 505)
}
