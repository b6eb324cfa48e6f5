// The name of a site as it is written in a configuration, checked once, so that a name which no
// request could ever carry is a mistake told at the start and not a site nobody reaches.

/// Why a text is no name of a site.
package enum HostNameError: Error, Equatable, Sendable, CustomStringConvertible {
  case empty
  /// More than 253 bytes: RFC 1035 2.3.4, less the length bytes at both ends.
  case tooLong
  /// A label of more than 63 bytes: RFC 1035 2.3.4.
  case labelTooLong
  case emptyLabel
  case port
  case misplacedWildcard
  case beyondASCII
  /// The byte and its column, counted from 1.
  case forbiddenByte(UInt8, column: Int)
  case notIPv6

  package var description: String {
    switch self {
    case .empty: "the name is empty"
    case .tooLong: "the name is longer than 253 bytes"
    case .labelTooLong: "a part between two dots is longer than 63 bytes"
    case .emptyLabel: "nothing stands before, after or between two dots"
    case .port: "a site's name has no port; ports belong to listen"
    case .misplacedWildcard: "a * stands alone or before the first dot, as in \"*.example.com\""
    case .beyondASCII: "a name beyond ASCII is written as browsers send it, in its xn-- form"
    case .forbiddenByte(let byte, let column):
      "\"\(Character(Unicode.Scalar(byte)))\" at column \(column) cannot stand in a host name"
    case .notIPv6: "what stands in brackets is no IPv6 address"
    }
  }
}

/// `example.com`, `*.example.com` (any name that ends in `.example.com`), or `*`.
package struct HostName: Sendable, Hashable, CustomStringConvertible {
  package enum Kind: Sendable {
    case exact, wildcard, any
  }

  package static var longest: Int { 253 }
  package static var longestLabel: Int { 63 }

  package let kind: Kind
  /// The name in small letters without a final dot; `.example.com` for `*.example.com`; empty for
  /// `*`.
  let key: [UInt8]

  /// The name `*`.
  package static let any = HostName(any: ())

  private init(any: Void) {
    kind = .any
    key = []
  }

  package init(_ text: String) throws(HostNameError) {
    var bytes = text.utf8.map { 0x41...0x5a ~= $0 ? $0 | 0x20 : $0 }
    if bytes == [0x2a] {
      kind = .any
      key = []
      return
    }
    guard bytes.allSatisfy({ $0 < 0x80 }) else { throw .beyondASCII }
    if bytes.first == 0x5b {  // [
      kind = .exact
      key = try Self.bracketed(bytes)
      return
    }
    let isWildcard = bytes.starts(with: [0x2a, 0x2e])
    if isWildcard { bytes.removeFirst(2) }
    if bytes.count > 1, bytes.last == 0x2e { bytes.removeLast() }
    try Self.check(bytes, after: isWildcard ? 2 : 0)
    kind = isWildcard ? .wildcard : .exact
    key = isWildcard ? [0x2e] + bytes : bytes
  }

  private static func check(_ bytes: [UInt8], after skipped: Int) throws(HostNameError) {
    guard !bytes.isEmpty else { throw skipped > 0 ? .emptyLabel : .empty }
    guard bytes.count <= longest else { throw .tooLong }
    var label = 0
    for (index, byte) in bytes.enumerated() {
      switch byte {
      // "_" is in no host's name but in names that hosting platforms give.
      case 0x30...0x39, 0x61...0x7a, 0x2d, 0x5f: label += 1
      case 0x2e:
        guard label > 0 else { throw .emptyLabel }
        label = 0
      case 0x2a: throw .misplacedWildcard
      case 0x3a: throw .port
      default: throw .forbiddenByte(byte, column: index + 1 + skipped)
      }
      guard label <= longestLabel else { throw .labelTooLong }
    }
    guard label > 0 else { throw .emptyLabel }
  }

  /// `[::1]`, in the one form that RFC 5952 gives an address.
  private static func bracketed(_ bytes: [UInt8]) throws(HostNameError) -> [UInt8] {
    guard let end = bytes.firstIndex(of: 0x5d) else { throw .notIPv6 }
    guard end == bytes.count - 1 else { throw bytes[end + 1] == 0x3a ? .port : .notIPv6 }
    let text = String(decoding: bytes[1..<end], as: UTF8.self)
    guard text.contains(":"), let address = InternetAddress(text), !address.isIPv4
    else { throw .notIPv6 }
    return Array("[\(address)]".utf8)
  }

  package var description: String {
    switch kind {
    case .any: "*"
    case .exact: String(decoding: key, as: UTF8.self)
    case .wildcard: "*" + String(decoding: key, as: UTF8.self)
    }
  }
}
