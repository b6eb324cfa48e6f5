// The URLs of an authority: its directory's, and those that its answers name.

/// An absolute URL of the scheme https, or http for an authority of a test.
struct AuthorityURL: Equatable {
  static let longest = 2048

  let text: String
  let isSecure: Bool
  /// An IPv6 address without its brackets.
  let host: String
  let port: UInt16
  /// Path and query; begins with "/".
  let target: String
  /// What the Host field says.
  let authority: String

  /// - Throws: when it is none, or holds what would break a request's line.
  init(_ text: String) throws(ACMEError) {
    guard let parts = Self.parts(text) else {
      throw .url(String(decoding: text.utf8.prefix(200), as: UTF8.self))
    }
    self.text = text
    (isSecure, host, port, target, authority) = parts
  }

  private static func parts(
    _ text: String
  ) -> (Bool, host: String, port: UInt16, target: String, authority: String)? {
    guard text.utf8.count <= longest, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    else { return nil }
    let isSecure = text.hasPrefix("https://")
    guard isSecure || text.hasPrefix("http://") else { return nil }
    let rest = text.dropFirst(isSecure ? 8 : 7).prefix { $0 != "#" }
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    let authority = rest[..<end]
    // Nobody's password belongs in it.
    guard !authority.contains("@") else { return nil }
    var host = authority
    var port: UInt16 = isSecure ? 443 : 80
    // The colon behind a bracket, or the only one.
    if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
      guard let number = UInt16(authority[authority.index(after: colon)...]), number > 0 else {
        return nil
      }
      port = number
      host = authority[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, !host.contains("[") else { return nil }
    var target = String(rest[end...])
    if !target.hasPrefix("/") { target = "/" + target }
    return (isSecure, String(host), port, target, String(authority))
  }
}
