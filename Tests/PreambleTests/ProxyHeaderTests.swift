// The PROXY protocol: both versions read and written, at every cut and at every limit.
import Bytes
import Routing
import Testing

@testable import Preamble

private let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

private func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
  signature + [command, family] + Hello.vector(2, rest)
}

private let addresses4: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb]

private func endpoint(_ address: String, _ port: UInt16) -> Endpoint {
  Endpoint(InternetAddress(address) ?? InternetAddress(bits: 0), port: port)
}

private let proxied4 = ProxyHeader.proxied(
  source: endpoint("192.0.2.7", 56324), destination: endpoint("198.51.100.1", 443))
private let proxied6 = ProxyHeader.proxied(
  source: endpoint("2001:db8::7", 56324), destination: endpoint("::1", 443))

struct `PROXY headers` {
  @Test func `lines are read, and what follows them is left alone`() {
    let line = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
    #expect(header(line + "GET /") == .complete(proxied4, byteCount: line.utf8.count))
    let line6 = "PROXY TCP6 2001:db8::7 ::1 56324 443\r\n"
    #expect(header(line6) == .complete(proxied6, byteCount: line6.utf8.count))
  }

  @Test(arguments: ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 rubbish 1\r\n"])
  func `an unknown connection keeps the socket's address`(_ line: String) {
    #expect(header(line) == .complete(.local, byteCount: line.utf8.count))
  }

  @Test(arguments: [
    "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "PROXY UNKNOWN\r\n",
    "\r\n\r\n\0\r\nQUIT\n\u{20}\0\0\0", "\r\n\r\n\0\r\nQUIT\n\u{20}\0\0\u{3}\u{4}\0\0",
  ])
  func `a header that is cut needs more, at every cut`(_ text: String) {
    let bytes = Array(text.utf8)
    for cut in 0..<bytes.count { #expect(header(Array(bytes[..<cut])) == .needMore, "\(cut)") }
    #expect(header(bytes).byteCount == bytes.count)
  }

  @Test(arguments: [
    "PROXY \r\n", "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", "PROXY TCP4 1.2.3.4 1.2.3.4  1 2\r\n",
    "PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
    "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY UNKNOWNS\r\n",
    "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\r\n",
  ])
  func `a malformed line is refused`(_ line: String) {
    #expect(header(line) == .refused(.malformed))
  }

  @Test(arguments: [
    "GET / HTTP/1.1\r\n", "PROXX", "proxy TCP4", "\r\n\r\n1", "\u{16}\u{3}", "PUT ",
  ])
  func `what is no header is told as soon as it can be`(_ text: String) {
    #expect(header(text) == .refused(.missing))
  }

  @Test func `a line has 107 bytes at most`() {
    let line = "PROXY UNKNOWN "
    let longest = line + String(repeating: "x", count: 107 - line.utf8.count - 2)
    #expect(header(longest + "\r\n") == .complete(.local, byteCount: 107))
    #expect(header(longest + "\r") == .needMore)
    #expect(header(longest + "x\r\n") == .refused(.tooLarge))
    #expect(header(longest + "xx") == .refused(.tooLarge))
  }

  @Test func `version 2 is read, with and without more values`() {
    let plain = binary(0x21, 0x11, addresses4)
    #expect(header(plain + [1, 2]) == .complete(proxied4, byteCount: 28))
    let more = binary(0x21, 0x11, addresses4 + [0x04, 0, 2, 0, 0, 0xe0, 0, 0])
    #expect(header(more) == .complete(proxied4, byteCount: 36))
    for cut in 0..<more.count { #expect(header(Array(more[..<cut])) == .needMore, "\(cut)") }
  }

  @Test func `LOCAL, datagrams and Unix sockets keep the socket's address`() {
    #expect(header(binary(0x20, 0, [])) == .complete(.local, byteCount: 16))
    #expect(header(binary(0x20, 0x11, addresses4)) == .complete(.local, byteCount: 28))
    #expect(header(binary(0x21, 0x12, addresses4)) == .complete(.local, byteCount: 28))
    #expect(header(binary(0x21, 0, [])) == .complete(.local, byteCount: 16))
    let unix = [UInt8](repeating: 0, count: 216)
    #expect(header(binary(0x21, 0x31, unix)) == .complete(.local, byteCount: 232))
  }

  @Test(arguments: [
    binary(0x11, 0x11, addresses4), binary(0x22, 0x11, addresses4), binary(0x21, 0x41, addresses4),
    binary(0x21, 0x13, addresses4), binary(0x21, 0x21, addresses4),
    binary(0x21, 0x11, Array(addresses4.dropLast())), binary(0x21, 0x11, addresses4 + [4]),
    binary(0x21, 0x11, addresses4 + [4, 0, 1]), binary(0x21, 0x31, addresses4),
    binary(0x21, 0x11, addresses4 + [3, 0, 1, 0]),
  ])
  func `a malformed header of version 2 is refused`(_ bytes: [UInt8]) {
    #expect(header(bytes) == .refused(.malformed))
  }

  @Test func `version 2 has 4096 bytes at most`() {
    let padding = [UInt8](repeating: 0, count: 4096 - 28 - 3)
    let longest = binary(0x21, 0x11, addresses4 + [4] + Hello.vector(2, padding))
    #expect(longest.count == 4096)
    #expect(header(longest) == .complete(proxied4, byteCount: 4096))
    let longer = binary(0x21, 0x11, addresses4 + [4] + Hello.vector(2, padding + [0]))
    #expect(header(Array(longer[..<16])) == .refused(.tooLarge))
  }

  @Test func `a checksum is looked at`() {
    // The check value of CRC-32C.
    let check = Array("123456789".utf8).withUnsafeSpan { Checksum.crc32c($0, zeros: 0..<0) }
    #expect(check == 0xe306_9283)
    let zeros = binary(0x21, 0x11, addresses4 + [3, 0, 4, 0, 0, 0, 0])
    let sum = zeros.withUnsafeSpan { Checksum.crc32c($0, zeros: 0..<0) }
    let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
    let right = Array(zeros.dropLast(4)) + bytes
    #expect(header(right) == .complete(proxied4, byteCount: 35))
    for i in right.indices.dropFirst(16) where !(28..<31).contains(i) {
      var wrong = right
      wrong[i] ^= 1
      #expect(header(wrong) == .refused(.wrongChecksum))
    }
  }
}

extension ProxyHeader.Outcome {
  /// Of a complete header.
  fileprivate var byteCount: Int? {
    if case .complete(_, let count) = self { count } else { nil }
  }
}

struct `Written PROXY headers` {
  private static let mixed = ProxyHeader.proxied(
    source: endpoint("192.0.2.7", 1), destination: endpoint("2001:db8::1", 65535))

  @Test(arguments: [proxied4, proxied6, mixed, .local])
  func `are read as what they were`(_ what: ProxyHeader) {
    let line = written { what.append1(to: &$0) }
    #expect(line.count <= ProxyHeader.longestLine)
    #expect(header(line) == .complete(what, byteCount: line.count))
    let binary = written { what.append2(nil, to: &$0) }
    #expect(header(binary) == .complete(what, byteCount: binary.count))
  }

  @Test func `of version 1 are as the text has them`() {
    #expect(
      written { proxied4.append1(to: &$0) }
        == Array("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n".utf8))
    #expect(
      written { Self.mixed.append1(to: &$0) }
        == Array("PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 65535\r\n".utf8))
    #expect(written { ProxyHeader.local.append1(to: &$0) } == Array("PROXY UNKNOWN\r\n".utf8))
  }

  @Test func `of version 2 say what TLS was agreed on`() {
    var details = ProxyHeaderDetails()
    details.serverName = "a.example"
    details.alpn = Array("h2".utf8)
    var tls = ProxyHeaderDetails.TLS(version: "TLSv1.3", cipher: "C")
    tls.clientName = "me"
    tls.hasClientCertificate = true
    tls.isClientVerified = true
    details.tls = tls
    let bytes = written { proxied4.append2(details, to: &$0) }
    let values: [UInt8] =
      [1, 0, 2] + Array("h2".utf8) + [2, 0, 9] + Array("a.example".utf8) + [0x20, 0, 24]
      + [7, 0, 0, 0, 0] + [0x21, 0, 7] + Array("TLSv1.3".utf8) + [0x22, 0, 2]
      + Array("me".utf8) + [0x23, 0, 1] + Array("C".utf8)
    #expect(bytes == binary(0x21, 0x11, addresses4 + values))
    #expect(header(bytes) == .complete(proxied4, byteCount: bytes.count))
  }

  @Test func `leave out what would make them too long`() {
    var details = ProxyHeaderDetails()
    details.alpn = [UInt8](repeating: 1, count: 4096 - 28 - 3)
    details.serverName = "a"
    #expect(written { proxied4.append2(details, to: &$0) }.count == 4096)
    details.alpn.append(1)
    #expect(written { proxied4.append2(details, to: &$0) }.count == 28 + 4)
  }
}
