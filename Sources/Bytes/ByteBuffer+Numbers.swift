// Numbers as text, written where they are needed without a String in between.

extension ByteBuffer {
  /// Appends `number` in decimal digits.
  package mutating func append(decimal number: UInt64) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var first = 20
    var rest = number
    repeat {
      first -= 1
      digits[first] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    append(digits.span.extracting(first..<20))
  }

  /// Appends `number` in lower-case hexadecimal digits.
  package mutating func append(hexadecimal number: UInt64) {
    var shift = max(0, (63 - number.leadingZeroBitCount) / 4 * 4)
    while true {
      let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift)) & 15
      append(digit < 10 ? 0x30 + digit : 0x57 + digit)
      if shift == 0 { return }
      shift -= 4
    }
  }

  /// Appends four octets as decimal numbers with dots between them, the highest octet first.
  package mutating func append(dottedQuad octets: UInt32) {
    for i in 0..<4 {
      if i > 0 { append(UInt8(ascii: ".")) }
      let octet = UInt8(truncatingIfNeeded: octets &>> UInt32(24 &- 8 &* i))
      if octet >= 100 { append(0x30 &+ octet / 100) }
      if octet >= 10 { append(0x30 &+ octet / 10 % 10) }
      append(0x30 &+ octet % 10)
    }
  }
}
