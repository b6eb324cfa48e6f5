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
    var text = InlineArray<16, UInt8>(repeating: UInt8(ascii: "."))
    var end = 0
    for shift in stride(from: UInt32(24), through: 0, by: -8) {
      let octet = UInt8(truncatingIfNeeded: octets >> shift)
      if octet >= 100 {
        text[end] = 0x30 + octet / 100
        end += 1
      }
      if octet >= 10 {
        text[end] = 0x30 + octet / 10 % 10
        end += 1
      }
      text[end] = 0x30 + octet % 10
      end += 2
    }
    append(text.span.extracting(0..<end - 1))
  }
}
