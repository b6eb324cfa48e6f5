// Addresses as text: one form for each, so that what is logged, forwarded and compared is the same.
import Bytes

extension InternetAddress: CustomStringConvertible {
  /// The most bytes that `append(to:)` writes.
  package static var longestText: Int { 39 }

  /// RFC 5952: lower case, no leading zeros, the longest run of zero groups as `::`; IPv4 addresses
  /// in their own form.
  package var description: String {
    if isIPv4 {
      return [24, 16, 8, 0].map { String(UInt8(truncatingIfNeeded: bits >> $0)) }
        .joined(separator: ".")
    }
    let gap = longestGap
    var text = ""
    for index in 0..<8 {
      if gap.contains(index) {
        if index == gap.lowerBound { text += "::" }
        continue
      }
      if index > 0, index != gap.upperBound { text += ":" }
      text += String(group(index), radix: 16)
    }
    return text
  }

  /// Appends the text of `description` without making a string.
  ///
  /// - Precondition: `longestText` bytes fit in the tailroom.
  package func append(to buffer: inout ByteBuffer) {
    if isIPv4 {
      for shift in stride(from: 24, through: 0, by: -8) {
        if shift < 24 { buffer.append(0x2e) }
        buffer.append(decimal: UInt64(truncatingIfNeeded: bits >> shift & 0xff))
      }
      return
    }
    let gap = longestGap
    for index in 0..<8 {
      if gap.contains(index) {
        if index == gap.lowerBound { buffer.append("::") }
        continue
      }
      if index > 0, index != gap.upperBound { buffer.append(0x3a) }
      buffer.append(hexadecimal: UInt64(group(index)))
    }
  }

  private func group(_ index: Int) -> UInt16 {
    UInt16(truncatingIfNeeded: bits >> UInt128((7 - index) * 16))
  }

  /// RFC 5952 4.2.2 and 4.2.3: the first longest run of at least two zero groups; 8..<8 without one.
  private var longestGap: Range<Int> {
    var best = 8..<8
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, group(end) == 0 { end += 1 }
      if end - start > max(best.count, 1) { best = start..<end }
      start = max(end, start + 1)
    }
    return best
  }
}
