// Version 1 of the PROXY protocol (2.1): one line for people to read.
//
//     PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n
import Bytes
import Routing

extension ProxyHeader {
  static func readLine(_ bytes: RawSpan) throws(PreambleError) -> Outcome {
    guard bytes.agrees(with: "PROXY ") else { throw .missing }
    guard let end = lineEnd(bytes) else {
      guard bytes.byteCount < longestLine else { throw .tooLarge }
      return .needMore
    }
    guard bytes.byteCount >= "PROXY UNKNOWN\r\n".utf8.count else { throw .malformed }
    let line = bytes.extracting(6..<end)
    let count = end + 2
    // What follows on the line of an unknown connection is ignored.
    if line.byteCount >= 7, line.agrees(with: "UNKNOWN"),
      line.byteCount == 7 || line.octet(7) == 0x20
    {
      return .complete(.local, byteCount: count)
    }
    return .complete(try readAddresses(line), byteCount: count)
  }

  /// Where CR LF is, in the part of the bytes that a line may have.
  private static func lineEnd(_ bytes: RawSpan) -> Int? {
    let last = Swift.min(bytes.byteCount, longestLine) - 1
    guard last > 0 else { return nil }
    for i in 0..<last where bytes.octet(i) == 0x0d && bytes.octet(i + 1) == 0x0a { return i }
    return nil
  }

  /// `TCP4 192.0.2.7 198.51.100.1 56324 443`: one blank between each two, and nothing behind.
  private static func readAddresses(_ line: RawSpan) throws(PreambleError) -> ProxyHeader {
    var rest = Words(line)
    let family = try rest.next()
    guard family.byteCount == 4, family.agrees(with: "TCP4") || family.agrees(with: "TCP6") else {
      throw .malformed
    }
    let isIPv4 = family.octet(3) == UInt8(ascii: "4")
    let source = try address(rest.next(), isIPv4)
    let destination = try address(rest.next(), isIPv4)
    let sourcePort = try port(rest.next())
    let destinationPort = try port(rest.next())
    guard rest.isAtEnd else { throw .malformed }
    return .proxied(
      source: Endpoint(source, port: sourcePort),
      destination: Endpoint(destination, port: destinationPort))
  }

  private static func address(
    _ text: RawSpan, _ isIPv4: Bool
  ) throws(PreambleError) -> InternetAddress {
    guard let address = InternetAddress(text) else { throw .malformed }
    // An IPv4 address is one whichever way it is written; the family says how it was.
    for i in 0..<text.byteCount where text.octet(i) == 0x3a {
      guard !isIPv4 else { throw .malformed }
      return address
    }
    guard isIPv4 else { throw .malformed }
    return address
  }

  /// 0 to 65535, without leading zeros.
  private static func port(_ text: RawSpan) throws(PreambleError) -> UInt16 {
    guard 1...5 ~= text.byteCount, text.byteCount == 1 || text.octet(0) != 0x30 else {
      throw .malformed
    }
    var number = 0
    for i in 0..<text.byteCount {
      guard 0x30...0x39 ~= text.octet(i) else { throw .malformed }
      number = number * 10 + Int(text.octet(i) - 0x30)
    }
    guard let port = UInt16(exactly: number) else { throw .malformed }
    return port
  }
}

/// Words with one blank between each two.
private struct Words: ~Escapable {
  private var rest: RawSpan
  private(set) var isAtEnd = false

  @_lifetime(copy line)
  init(_ line: RawSpan) { rest = line }

  @_lifetime(copy self)
  @_lifetime(self: copy self)
  mutating func next() throws(PreambleError) -> RawSpan {
    guard !isAtEnd else { throw .malformed }
    var end = 0
    while end < rest.byteCount, rest.octet(end) != 0x20 { end += 1 }
    let word = rest.extracting(first: end)
    if end == rest.byteCount {
      isAtEnd = true
    } else {
      rest = rest.extracting(droppingFirst: end + 1)
    }
    return word
  }
}
