// An IPv4 or IPv6 address as one number, so that asking whether it lies in a network is a
// comparison. Read strictly: an address that two programs read differently is how an access rule is
// passed by.
import Bytes

/// An IP address without a zone. IPv4 addresses are held in their IPv6-mapped form (RFC 4291
/// 2.5.5.2), so `10.0.0.1` and `::ffff:10.0.0.1`, as a dual-stack socket shows it, are one address.
package struct InternetAddress: Sendable, Hashable, BitwiseCopyable {
  // Two halves, not a UInt128: that has to lie at a multiple of 16, and an object that holds one is
  // allocated by a way that takes 300 instructions longer.
  /// The first eight octets, and the last.
  package let high: UInt64
  package let low: UInt64

  /// All IPv4 addresses.
  static let ipv4: ClosedRange<UInt128> = 0xffff_0000_0000...0xffff_ffff_ffff

  /// The address' 16 octets, the first one highest.
  package var bits: UInt128 { UInt128(high) << 64 | UInt128(low) }

  package init(bits: UInt128) {
    high = UInt64(truncatingIfNeeded: bits >> 64)
    low = UInt64(truncatingIfNeeded: bits)
  }

  /// - Parameter v4: four octets, the first one highest.
  package init(v4: UInt32) { self.init(bits: Self.ipv4.lowerBound | UInt128(v4)) }

  /// An IPv6 address as two halves, the first octet in the highest byte of `high`.
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  package var isIPv4: Bool { Self.ipv4.contains(bits) }

  /// Reads `127.0.0.1` or `::1`; nil when it is neither.
  package init?(_ text: String) {
    // SAFETY: a UInt8 has no padding that could be read.
    unsafe self.init(Array(text.utf8).span.bytes)
  }

  /// Reads `127.0.0.1` or `::1`, without brackets, zone or blanks; nil when it is neither.
  package init?(_ text: RawSpan) {
    // The longest: six groups of four digits and an IPv4 address.
    guard 2...45 ~= text.byteCount else { return nil }
    if let v4 = Self.parse4(text) {
      self.init(v4: v4)
    } else if let v6 = Self.parse6(text) {
      self.init(bits: v6)
    } else {
      return nil
    }
  }

  /// Exactly four decimal numbers; none with a leading zero, which some readers take for octal.
  private static func parse4(_ text: RawSpan) -> UInt32? {
    var address: UInt32 = 0
    var i = 0
    for part in 0..<4 {
      if part > 0 {
        guard i < text.byteCount, text.octet(i) == 0x2e else { return nil }
        i += 1
      }
      let start = i
      var number: UInt32 = 0
      while i < text.byteCount, i - start < 3, text.octet(i) &- 0x30 < 10 {
        number = number * 10 + UInt32(text.octet(i) - 0x30)
        i += 1
      }
      guard i > start, number <= 255 else { return nil }
      guard i - start == 1 || text.octet(start) != 0x30 else { return nil }
      address = address << 8 | number
    }
    return i == text.byteCount ? address : nil
  }

  /// RFC 4291 2.2: groups of up to four hexadecimal digits, one `::` for a run of one or more zero
  /// groups, and perhaps an IPv4 address in place of the last two groups.
  private static func parse6(_ text: RawSpan) -> UInt128? {
    var groups: UInt128 = 0
    var count = 0
    /// How many groups stand before `::`.
    var gap: Int?
    var i = 0
    if text.octet(0) == 0x3a {
      guard text.octet(1) == 0x3a else { return nil }
      gap = 0
      i = 2
    }
    while i < text.byteCount {
      guard count < 8 else { return nil }
      if count <= 6, let v4 = parse4(text.extracting(i..<text.byteCount)) {
        groups = groups << 32 | UInt128(v4)
        count += 2
        break
      }
      guard let (group, end) = parseGroup(text, i) else { return nil }
      groups = groups << 16 | UInt128(group)
      count += 1
      i = end
      if i == text.byteCount { break }
      // After a group: a colon and another group, or the two colons of the gap.
      guard text.octet(i) == 0x3a, i + 1 < text.byteCount else { return nil }
      i += 1
      if text.octet(i) == 0x3a {
        guard gap == nil else { return nil }
        gap = count
        i += 1
      }
    }
    guard let gap else { return count == 8 ? groups : nil }
    guard count < 8 else { return nil }
    let after = UInt128((count - gap) * 16)
    let low = groups & ((1 << after) - 1)
    let high = gap == 0 ? 0 : (groups >> after) << UInt128((8 - gap) * 16)
    return high | low
  }

  private static func parseGroup(_ text: RawSpan, _ start: Int) -> (UInt16, Int)? {
    var group: UInt16 = 0
    var i = start
    while i < text.byteCount, i - start < 4 {
      let byte = text.octet(i)
      let letter = (byte | 0x20) &- 0x61
      if byte &- 0x30 < 10 {
        group = group << 4 | UInt16(byte - 0x30)
      } else if letter < 6 {
        group = group << 4 | UInt16(letter + 10)
      } else {
        break
      }
      i += 1
    }
    return i > start ? (group, i) : nil
  }
}
