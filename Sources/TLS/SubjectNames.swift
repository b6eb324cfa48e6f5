// The names that a certificate is for, and which hosts they cover (RFC 6125, RFC 9525).
import Routing

/// Names of a certificate: of the DNS, perhaps beginning with `*.`, and IP addresses.
package struct SubjectNames: Sendable, Equatable {
  /// In small letters.
  package var hosts: [String] = []
  package var addresses: [InternetAddress] = []

  package init(hosts: [String] = [], addresses: [InternetAddress] = []) {
    self.hosts = hosts.map { $0.lowercased() }
    self.addresses = addresses
  }

  /// - Parameter lines: each ended by a line feed: a DNS name, or a `/` and an IP address.
  init(lines: [UInt8]) {
    for line in lines.split(separator: 0x0a) {
      if line.first == UInt8(ascii: "/") {
        let text = String(decoding: line.dropFirst(), as: UTF8.self)
        if let address = InternetAddress(text) { addresses.append(address) }
      } else {
        hosts.append(String(decoding: line, as: UTF8.self).lowercased())
      }
    }
  }

  /// The form that `init(lines:)` reads.
  var lines: String {
    (hosts + addresses.map { "/\($0)" }).map { $0 + "\n" }.joined()
  }

  /// All of them, for the eye.
  package var texts: [String] { hosts + addresses.map(\.description) }

  /// The first few, for a line of the log.
  package var summary: String {
    let all = texts
    if all.isEmpty { return "no name" }
    return all.prefix(3).joined(separator: ", ") + (all.count > 3 ? ", ..." : "")
  }

  /// Whether a host is covered. A wildcard stands for exactly one label (RFC 9525 6.3).
  ///
  /// - Parameter host: a valid host with or without a port, as a Host field or a URL holds it.
  package func cover(_ host: RawSpan) -> Bool {
    let name = Self.withoutPort(host)
    if !addresses.isEmpty {
      let isBracketed = name.byteCount > 2 && name.byte(0) == UInt8(ascii: "[")
      let text = isBracketed ? name.extracting(1..<name.byteCount - 1) : name
      if let address = InternetAddress(text) { return addresses.contains(address) }
    }
    return hosts.contains { Self.name($0.utf8, covers: name) }
  }

  private static func name(_ name: String.UTF8View, covers host: RawSpan) -> Bool {
    var (pattern, at) = (name[...], 0)
    if pattern.starts(with: "*.".utf8) {
      pattern = pattern.dropFirst()
      while at < host.byteCount, host.byte(at) != UInt8(ascii: ".") { at += 1 }
      guard at > 0 else { return false }
    }
    guard pattern.count == host.byteCount - at else { return false }
    for byte in pattern {
      let other = host.byte(at)
      guard byte == (65...90 ~= other ? other | 0x20 : other) else { return false }
      at += 1
    }
    return true
  }

  /// The host without `:port` and without a final dot.
  @_lifetime(copy host)
  private static func withoutPort(_ host: RawSpan) -> RawSpan {
    var end = host.byteCount
    var digits = end
    while digits > 0, 48...57 ~= host.byte(digits - 1) { digits -= 1 }
    if digits > 0, host.byte(digits - 1) == UInt8(ascii: ":") { end = digits - 1 }
    if end > 1, host.byte(end - 1) == UInt8(ascii: ".") { end -= 1 }
    return host.extracting(0..<end)
  }
}

extension RawSpan {
  /// The byte at `offset`, bounds-checked.
  func byte(_ offset: Int) -> UInt8 {
    // SAFETY: every bit pattern is a UInt8; the load checks its bounds.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }
}
