// Numbers written into a buffer, against the standard library's own.
import Bytes
import Testing

@Suite struct NumberTests {
  /// Zero, every power of ten and of sixteen with its neighbours, and the greatest.
  private static let numbers: [UInt64] = {
    var numbers: [UInt64] = [0, .max]
    for base: UInt64 in [10, 16] {
      var power: UInt64 = 1
      while true {
        numbers += [power - 1, power, power + 1]
        let (next, overflow) = power.multipliedReportingOverflow(by: base)
        if overflow { break }
        power = next
      }
    }
    return numbers
  }()

  @Test func `decimal digits are those of the number, from zero to the greatest`() {
    for number in Self.numbers {
      var buffer = BufferPool().borrow(.small)
      buffer.append(decimal: number)
      #expect(text(buffer) == String(number))
    }
  }

  @Test func `hexadecimal digits are those of the number, from zero to the greatest`() {
    for number in Self.numbers {
      var buffer = BufferPool().borrow(.small)
      buffer.append(hexadecimal: number)
      #expect(text(buffer) == String(number, radix: 16))
    }
  }

  @Test func `four octets are written as numbers with dots, of one to three digits each`() {
    for octet: UInt32 in 0...255 {
      for shift: UInt32 in [0, 8, 16, 24] {
        let octets = octet << shift | 0x0709_6301 & ~(255 << shift)
        var buffer = BufferPool().borrow(.small)
        buffer.append(dottedQuad: octets)
        let expected = [24, 16, 8, 0].map { String(octets >> UInt32($0) & 255) }
        #expect(text(buffer) == expected.joined(separator: "."))
      }
    }
  }
}
