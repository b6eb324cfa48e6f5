// The first line of `rsp explain`: where a request for a URL comes in.
import Configuration

extension Configuration {
  /// The listener that requests for a URL come to, in words.
  ///
  /// A URL says by its scheme whether TLS is spoken, and may say a port. What it does not say may be
  /// anything, since something in front of rsp may lead another port here.
  package func listener(for url: String) -> String {
    var rest = url[...]
    var isTLS: Bool?
    if let scheme = rest.firstRange(of: "://") {
      isTLS = rest[..<scheme.lowerBound].lowercased() == "https"
      rest = rest[scheme.upperBound...]
    }
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let found = listeners.filter { listener in
      guard case .http = listener.service else { return false }
      if let isTLS, isTLS != (listener.options.tls != nil) { return false }
      guard let port = Self.port(of: authority) else { return true }
      return listener.address.port == port
    }
    if found.isEmpty { return "none: nothing listens for this" }
    return found.map(\.address.description).joined(separator: " or ")
  }

  private static func port(of authority: Substring) -> UInt16? {
    guard let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") else { return nil }
    return UInt16(authority[authority.index(after: colon)...])
  }
}
