// Version 2 of the PROXY protocol (2.2):
//
//     signature 12, version and command 1, family and transport 1, length 2, addresses, TLVs
import Bytes
import Routing

extension ProxyHeader {
  static func readBinary(_ bytes: RawSpan) throws(PreambleError) -> Outcome {
    guard bytes.agrees(with: signature) else { throw .missing }
    guard bytes.byteCount >= fixedCount else { return .needMore }
    let end = fixedCount + Int(bytes.octet(14)) << 8 + Int(bytes.octet(15))
    guard end <= longest else { throw .tooLarge }
    let (command, family) = (bytes.octet(12), bytes.octet(13))
    // Only version 2, LOCAL and PROXY; AF_UNSPEC to AF_UNIX; UNSPEC, STREAM, DGRAM.
    guard command == 0x20 || command == 0x21, family >> 4 <= 3, family & 15 <= 2 else {
      throw .malformed
    }
    guard bytes.byteCount >= end else { return .needMore }
    let header = bytes.extracting(first: end)
    var rest = Cursor(header.extracting(droppingFirst: fixedCount))
    let addresses = try readAddresses(&rest, of: family >> 4)
    try check(rest.rest, of: header)
    // The proxy's own connection, and what is no stream of TCP.
    let isTCP = family == 0x11 || family == 0x21
    return .complete(command == 0x21 && isTCP ? addresses : .local, byteCount: end)
  }

  /// The block of addresses that the family has. With LOCAL it may be there or not: nothing there is
  /// read as nothing.
  @_lifetime(rest: copy rest)
  private static func readAddresses(
    _ rest: inout Cursor, of family: UInt8
  ) throws(PreambleError) -> ProxyHeader {
    switch family {
    case 1 where rest.count > 0:
      let source = InternetAddress(v4: UInt32(try rest.number(4)))
      let destination = InternetAddress(v4: UInt32(try rest.number(4)))
      return try readPorts(&rest, source, destination)
    case 2 where rest.count > 0:
      let source = try readIPv6(&rest)
      let destination = try readIPv6(&rest)
      return try readPorts(&rest, source, destination)
    case 3 where rest.count > 0:
      _ = try rest.take(216)
      return .local
    default:
      return .local
    }
  }

  @_lifetime(rest: copy rest)
  private static func readIPv6(_ rest: inout Cursor) throws(PreambleError) -> InternetAddress {
    var bits: UInt128 = 0
    for _ in 0..<4 { bits = bits << 32 | UInt128(try rest.number(4)) }
    return InternetAddress(bits: bits)
  }

  @_lifetime(rest: copy rest)
  private static func readPorts(
    _ rest: inout Cursor, _ source: InternetAddress, _ destination: InternetAddress
  ) throws(PreambleError) -> ProxyHeader {
    let sourcePort = UInt16(try rest.number(2))
    let destinationPort = UInt16(try rest.number(2))
    return .proxied(
      source: Endpoint(source, port: sourcePort),
      destination: Endpoint(destination, port: destinationPort))
  }

  /// Looks whether the TLVs fill the header exactly, and whether a checksum among them is right.
  private static func check(_ list: RawSpan, of header: RawSpan) throws(PreambleError) {
    var cursor = Cursor(list)
    while !cursor.isAtEnd {
      let type = try cursor.number(1)
      let value = try cursor.vector(2)
      guard type == TLVType.checksum.rawValue else { continue }
      guard value.byteCount == 4 else { throw .malformed }
      var number = Cursor(value)
      let expected = UInt32(try number.number(4))
      // It was made with zeros in its own place.
      let place = header.byteCount - cursor.count - 4
      guard Checksum.crc32c(header, zeros: place..<place + 4) == expected else {
        throw .wrongChecksum
      }
    }
  }
}

/// The types of what follows the addresses (2.2.1 to 2.2.6).
enum TLVType: Int {
  case alpn = 0x01
  case authority = 0x02
  case checksum = 0x03
  case tls = 0x20
  /// Within `tls`.
  case tlsVersion = 0x21
  case clientName = 0x22
  case tlsCipher = 0x23
}

enum Checksum {
  /// CRC-32C (RFC 9260 appendix A), bit by bit: a header is short, and few carry it.
  static func crc32c(_ bytes: RawSpan, zeros: Range<Int>) -> UInt32 {
    var sum = UInt32.max
    for i in 0..<bytes.byteCount {
      sum ^= zeros.contains(i) ? 0 : UInt32(bytes.octet(i))
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82f6_3b78 : sum >> 1 }
    }
    return ~sum
  }
}
