// Sets of networks, such as the proxies whose word about a client is believed.

/// Why a text is no network.
package enum CIDRError: Error, Equatable, Sendable, CustomStringConvertible {
  case notAnAddress
  /// What follows the "/" is no number from 0 to the address' 32 or 128 bits.
  case prefixLength(longest: Int)
  /// The address has bits beyond the prefix; the network is this one.
  case bitsBeyondPrefix(network: String)

  package var description: String {
    switch self {
    case .notAnAddress: "is neither an address nor a network such as 10.0.0.0/8 or fd00::/8"
    case .prefixLength(let longest): "the number after the / lies between 0 and \(longest)"
    case .bitsBeyondPrefix(let network):
      "the address has bits beyond the network's; write \(network)"
    }
  }
}

/// A set of IPv4 and IPv6 addresses, made of networks. Immutable once published.
///
/// Kept as sorted ranges that do not touch, so membership is a binary search whatever the number of
/// networks. IPv4 networks also hold their addresses' IPv6-mapped forms, but an IPv6 network holds
/// no IPv4 address: `::/0` is all of IPv6 only.
package struct CIDRSet: Sendable, Equatable {
  private var ranges: [ClosedRange<UInt128>] = []

  package init() {}

  package var isEmpty: Bool { ranges.isEmpty }

  /// Adds an address (`192.0.2.1`, `::1`) or a network (`10.0.0.0/8`, `fd00::/8`).
  package mutating func insert(_ text: String) throws(CIDRError) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = InternetAddress(String(parts[0])) else { throw .notAnAddress }
    // `::ffff:10.0.0.0/104` is written in IPv6's bits, even though it is an IPv4 network.
    let isWrittenAsIPv4 = !parts[0].utf8.contains(0x3a)
    let longest = isWrittenAsIPv4 ? 32 : 128
    var length = longest
    if parts.count == 2 {
      guard let given = Self.number(parts[1]), given <= longest else {
        throw .prefixLength(longest: longest)
      }
      length = given
    }
    let free = UInt128(longest - length)
    let mask: UInt128 = free == 128 ? .max : (1 << free) - 1
    guard address.bits & mask == 0 else {
      let network = InternetAddress(bits: address.bits & ~mask)
      throw .bitsBeyondPrefix(network: "\(network)/\(length)")
    }
    let range = address.bits...(address.bits | mask)
    let ipv4 = InternetAddress.ipv4
    if range.contains(ipv4.lowerBound), range != ipv4, range.contains(ipv4.upperBound) {
      // An IPv6 network around the mapped addresses: what lies before them, and behind.
      if range.lowerBound < ipv4.lowerBound { add(range.lowerBound...ipv4.lowerBound - 1) }
      if ipv4.upperBound < range.upperBound { add(ipv4.upperBound + 1...range.upperBound) }
    } else {
      add(range)
    }
  }

  /// Decimal digits only: `Int("+8")` is 8.
  private static func number(_ text: Substring) -> Int? {
    guard 1...3 ~= text.utf8.count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
    return Int(text)
  }

  private mutating func add(_ range: ClosedRange<UInt128>) {
    var low = range.lowerBound
    var high = range.upperBound
    var kept: [ClosedRange<UInt128>] = []
    for other in ranges {
      let touches =
        (other.lowerBound == 0 || other.lowerBound - 1 <= high)
        && (low == 0 || low - 1 <= other.upperBound)
      if touches {
        low = min(low, other.lowerBound)
        high = max(high, other.upperBound)
      } else {
        kept.append(other)
      }
    }
    let place = kept.firstIndex { $0.lowerBound > high } ?? kept.count
    kept.insert(low...high, at: place)
    ranges = kept
  }

  package func contains(_ address: InternetAddress) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < address.bits { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= address.bits
  }
}
