// Numeric IP addresses, read strictly and written in one form, so that two spellings of an address
// are seen to be the same.

/// An IPv4 or IPv6 address without a zone.
package enum IPAddress: Sendable, Hashable, CustomStringConvertible {
  /// Four bytes.
  case v4([UInt8])
  /// Eight groups of 16 bits.
  case v6([UInt16])

  /// Reads `127.0.0.1` or `::1`, without brackets; nil when it is neither.
  package init?(_ text: some StringProtocol) {
    if let bytes = Self.parse4(text) {
      self = .v4(bytes)
    } else if let groups = Self.parse6(text) {
      self = .v6(groups)
    } else {
      return nil
    }
  }

  /// Exactly four decimal numbers; none with a leading zero, which some readers take for octal.
  private static func parse4(_ text: some StringProtocol) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    let bytes = parts.compactMap { part -> UInt8? in
      guard part.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
      guard part.count == 1 || part.first != "0" else { return nil }
      return UInt8(part)
    }
    return bytes.count == 4 ? bytes : nil
  }

  /// RFC 4291 2.2: groups of hexadecimal digits, one `::` for a run of zeros, and perhaps an IPv4
  /// address in place of the last two groups.
  private static func parse6(_ text: some StringProtocol) -> [UInt16]? {
    let halves = split(text)
    guard let head = groups(of: halves.0) else { return nil }
    guard let second = halves.1 else { return head.count == 8 ? head : nil }
    // An IPv4 address may only stand at the very end, so not before `::`.
    guard let tail = groups(of: second), !halves.0.contains(".") else { return nil }
    let missing = 8 - head.count - tail.count
    guard missing >= 1 else { return nil }
    return head + Array(repeating: 0, count: missing) + tail
  }

  /// What stands before and after the first `::`.
  private static func split(_ text: some StringProtocol) -> (Substring, Substring?) {
    let text = Substring(text)
    var index = text.startIndex
    while index < text.endIndex {
      let rest = text[index...]
      if rest.hasPrefix("::") { return (text[..<index], rest.dropFirst(2)) }
      index = text.index(after: index)
    }
    return (text, nil)
  }

  private static func groups(of text: Substring) -> [UInt16]? {
    if text.isEmpty { return [] }
    var result: [UInt16] = []
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if index == parts.count - 1, let last = parse4(part) {
        result.append(UInt16(last[0]) << 8 | UInt16(last[1]))
        result.append(UInt16(last[2]) << 8 | UInt16(last[3]))
      } else {
        guard (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexadecimal),
          let group = UInt16(part, radix: 16)
        else { return nil }
        result.append(group)
      }
    }
    return result
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
  }

  /// The canonical form, RFC 5952: lower case, no leading zeros, the longest run of zeros as `::`.
  package var description: String {
    switch self {
    case .v4(let bytes): return bytes.map { String($0) }.joined(separator: ".")
    case .v6(let groups):
      var best = 0..<0
      var start = 0
      while start < 8 {
        var end = start
        while end < 8 && groups[end] == 0 { end += 1 }
        if end - start > max(best.count, 1) { best = start..<end }
        start = max(end, start + 1)
      }
      let text = groups.map { String($0, radix: 16) }
      if best.isEmpty { return text.joined(separator: ":") }
      return text[..<best.lowerBound].joined(separator: ":") + "::"
        + text[best.upperBound...].joined(separator: ":")
    }
  }
}
