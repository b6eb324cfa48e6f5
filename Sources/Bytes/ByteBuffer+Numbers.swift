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
}
