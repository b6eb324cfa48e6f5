// The syntax of a host with an optional port. Whatever is wrong here is what request smuggling and
// routing tricks are made of, so nothing is let through that RFC 3986 does not name.

/// RFC 9110 7.2 and RFC 3986 3.2.2: `host [ ":" port ]`, without userinfo and never empty.
enum Authority {
  /// Whether `bytes[range]` is a host with an optional port.
  ///
  /// Stricter than the RFC in three points: no comma, no empty host (http and https have none),
  /// and a colon is followed by a port.
  @inline(__always)
  static func isValid(_ bytes: RawSpan, _ range: Range<Int>, needsPort: Bool = false) -> Bool {
    // Nearly every host is nothing but letters, digits, "-" and ".".
    let end = bytes.firstNonHost(from: range.lowerBound)
    if end >= range.upperBound { return !range.isEmpty && !needsPort }
    return isUnusualButValid(bytes, range, end, needsPort: needsPort)
  }

  /// - Parameter end: the first byte that is not a letter, a digit, "-" or ".".
  @inline(never)
  private static func isUnusualButValid(
    _ bytes: RawSpan, _ range: Range<Int>, _ end: Int, needsPort: Bool
  ) -> Bool {
    if bytes[range.lowerBound] == 0x5b {  // [
      var end = range.lowerBound + 1
      while end < range.upperBound, bytes[end] != 0x5d { end += 1 }
      guard end < range.upperBound, isIPv6(bytes, range.lowerBound + 1..<end) else { return false }
      return isPort(bytes, end + 1..<range.upperBound, isNeeded: needsPort)
    }
    var end = end
    while end < range.upperBound, bytes[end] != 0x3a {  // :
      if ASCII.regName.contains(bytes[end]) {
        end += 1
      } else if bytes[end] == 0x25, range.upperBound - end > 2,
        ASCII.hexDigit(bytes[end + 1]) != nil, ASCII.hexDigit(bytes[end + 2]) != nil
      {
        end += 3
      } else {
        return false
      }
    }
    return end > range.lowerBound
      && isPort(bytes, end..<range.upperBound, isNeeded: needsPort)
  }

  /// Nothing, or a colon and a number up to 65535.
  private static func isPort(_ bytes: RawSpan, _ range: Range<Int>, isNeeded: Bool) -> Bool {
    if range.isEmpty { return !isNeeded }
    guard bytes[range.lowerBound] == 0x3a, 2...6 ~= range.count else { return false }
    var port = 0
    for i in range.dropFirst() {
      guard ASCII.isDigit(bytes[i]) else { return false }
      port = port * 10 + Int(bytes[i] - 0x30)
    }
    return port <= 65535
  }

  /// RFC 3986 3.2.2, IPv6address: eight groups of one to four hexadecimal digits, of which one run
  /// may be left out as "::" and the last two may be written as an IPv4 address.
  private static func isIPv6(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
    guard 2...45 ~= range.count else { return false }
    var groups = 0
    var isShortened = false
    var i = range.lowerBound
    if bytes[i] == 0x3a {
      guard bytes[i + 1] == 0x3a else { return false }
      isShortened = true
      i += 2
    }
    while i < range.upperBound {
      let start = i
      while i < range.upperBound, ASCII.hexDigit(bytes[i]) != nil { i += 1 }
      if i < range.upperBound, bytes[i] == 0x2e {
        guard isIPv4(bytes, start..<range.upperBound) else { return false }
        groups += 2
        break
      }
      guard 1...4 ~= i - start else { return false }
      groups += 1
      guard i < range.upperBound else { break }
      guard bytes[i] == 0x3a, i + 1 < range.upperBound else { return false }
      i += 1
      if bytes[i] == 0x3a {
        guard !isShortened else { return false }
        isShortened = true
        i += 1
      }
    }
    return isShortened ? groups <= 7 : groups == 8
  }

  /// Four numbers up to 255 without leading zeros.
  private static func isIPv4(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
    var numbers = 0
    var i = range.lowerBound
    while true {
      let start = i
      var number = 0
      while i < range.upperBound, ASCII.isDigit(bytes[i]), i - start < 3 {
        number = number * 10 + Int(bytes[i] - 0x30)
        i += 1
      }
      guard i > start, number <= 255, i - start == 1 || bytes[start] != 0x30 else { return false }
      numbers += 1
      if i == range.upperBound { return numbers == 4 }
      guard bytes[i] == 0x2e, numbers < 4 else { return false }
      i += 1
    }
  }
}
