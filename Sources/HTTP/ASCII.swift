// The kinds of byte that HTTP's grammars are made of, as sets of 128 bits.

/// A set of ASCII bytes; bytes from 0x80 on are never in it.
struct ASCIISet: Sendable, BitwiseCopyable {
  private let low: UInt64
  private let high: UInt64

  @inline(__always)
  init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  @inline(__always)
  func contains(_ byte: UInt8) -> Bool {
    let word = byte & 0x40 == 0 ? low : high
    return byte < 0x80 && word >> UInt64(byte & 63) & 1 == 1
  }
}

enum ASCII {
  static let tab: UInt8 = 0x09
  static let lineFeed: UInt8 = 0x0a
  static let carriageReturn: UInt8 = 0x0d
  static let space: UInt8 = 0x20

  /// RFC 9110 5.6.2, tchar: letters, digits and !#$%&'*+-.^_`|~
  @inline(__always)
  static var token: ASCIISet { ASCIISet(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe) }

  /// RFC 3986 2.3, unreserved: letters, digits and -._~
  @inline(__always)
  static var unreserved: ASCIISet {
    ASCIISet(low: 0x03ff_6000_0000_0000, high: 0x47ff_fffe_87ff_fffe)
  }

  /// RFC 3986 3.2.2, reg-name without pct-encoded and without the comma, which recipients before
  /// and behind a proxy take for the end of a list element: unreserved and !$&'()*+;=
  @inline(__always)
  static var regName: ASCIISet {
    ASCIISet(low: 0x2bff_6fd2_0000_0000, high: 0x47ff_fffe_87ff_fffe)
  }

  @inline(__always)
  static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == tab }

  @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  @inline(__always)
  static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

  /// The value of a hexadecimal digit, nil for any other byte.
  @inline(__always)
  static func hexDigit(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte &- 0x30 }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : nil
  }
}
