// Who the client is, when proxies stand between. X-Forwarded-For is a list to whose end each proxy
// adds the address it was reached from; everything before that was sent by whoever reached it, and
// may be a lie. So the list is read from right to left, and each entry is believed only because the
// one that wrote it is trusted: nginx's real_ip_recursive, Envoy's xff_num_trusted_hops by address.

/// The client's address, found step by step from the address of the socket's other end.
///
///     var client = ClientAddress(peer: peer, trusted: proxies)
///     for line in forwardedFor.reversed() where !client.isSettled { client.read(line, proxies) }
package struct ClientAddress: Sendable, Equatable {
  /// How many entries are read at most; nobody has more proxies in a row.
  package static var mostEntries: Int { 32 }
  /// How many bytes an entry may have: a full IPv6 address in brackets, with a port.
  static var longestEntry: Int { 53 }

  /// The last address that was vouched for: the client's, as far as is known.
  package private(set) var address: InternetAddress
  /// Whether the peer itself is trusted, so that its forwarding fields are added to and not
  /// replaced (behaviour: "forwarding fields").
  package let isPeerTrusted: Bool
  /// Whether nothing further to the left may be believed.
  package private(set) var isSettled: Bool
  private var entries = 0

  /// - Parameters:
  ///   - peer: the other end of the socket, or what a PROXY header says.
  ///   - trusted: the proxies that are believed.
  package init(peer: InternetAddress, trusted: CIDRSet) {
    address = peer
    isPeerTrusted = trusted.contains(peer)
    isSettled = !isPeerTrusted
  }

  /// Reads one X-Forwarded-For line. Of several lines, the last comes first: RFC 9110 5.3 makes them
  /// one list in the order they stand.
  ///
  /// An entry is an address, also in brackets, also with a port. Anything else ("unknown", a name,
  /// an obfuscated identifier of RFC 7239) settles it: the client is the last address known. Empty
  /// entries are passed over (RFC 9110 5.6.1.2), but counted.
  package mutating func read(_ value: RawSpan, _ trusted: CIDRSet) {
    var end = value.byteCount
    while !isSettled {
      var start = end
      while start > 0, value.octet(start - 1) != 0x2c {
        start -= 1
        // So long an entry is none; its start is of no interest.
        if end - start > 4 * Self.longestEntry { return isSettled = true }
      }
      take(value.extracting(start..<end), trusted)
      if start == 0 { return }
      end = start - 1
    }
  }

  private mutating func take(_ entry: RawSpan, _ trusted: CIDRSet) {
    guard entries < Self.mostEntries else { return isSettled = true }
    entries += 1
    var start = 0
    var end = entry.byteCount
    while start < end, entry.isBlank(start) { start += 1 }
    while start < end, entry.isBlank(end - 1) { end -= 1 }
    if start == end { return }
    guard end - start <= Self.longestEntry,
      let found = Self.parse(entry.extracting(start..<end))
    else { return isSettled = true }
    address = found
    isSettled = !trusted.contains(found)
  }

  /// `192.0.2.1`, `192.0.2.1:8080`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:8080`.
  private static func parse(_ text: RawSpan) -> InternetAddress? {
    if text.octet(0) == 0x5b {
      var end = 1
      while end < text.byteCount, text.octet(end) != 0x5d { end += 1 }
      guard end < text.byteCount, isPort(text.extracting(end + 1..<text.byteCount)) else {
        return nil
      }
      let address = InternetAddress(text.extracting(1..<end))
      // What has no colon was IPv4, which nobody puts in brackets.
      return text.hasColon(before: end) ? address : nil
    }
    if let address = InternetAddress(text) { return address }
    // With a port: everything before the only colon is an IPv4 address.
    var colon = 0
    while colon < text.byteCount, text.octet(colon) != 0x3a { colon += 1 }
    guard isPort(text.extracting(colon..<text.byteCount)) else { return nil }
    return InternetAddress(text.extracting(0..<colon))
  }

  /// Nothing, or a colon and one to five digits.
  private static func isPort(_ text: RawSpan) -> Bool {
    if text.isEmpty { return true }
    guard text.octet(0) == 0x3a, 2...6 ~= text.byteCount else { return false }
    for i in 1..<text.byteCount where text.octet(i) &- 0x30 > 9 { return false }
    return true
  }
}

extension RawSpan {
  fileprivate func isBlank(_ offset: Int) -> Bool { octet(offset) == 0x20 || octet(offset) == 0x09 }

  fileprivate func hasColon(before end: Int) -> Bool {
    for i in 0..<end where octet(i) == 0x3a { return true }
    return false
  }
}
