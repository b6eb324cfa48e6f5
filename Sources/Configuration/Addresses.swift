// Addresses as a user writes them: where to listen, and where a server is.

/// Where a listener accepts connections.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// A port on all interfaces, IPv4 and IPv6.
  case any(port: UInt16)
  /// A numeric address, in canonical form and without brackets.
  case ip(host: String, port: UInt16)
  /// A host name, lower-case, to be resolved at start.
  case name(String, port: UInt16)
  /// The path of a Unix socket.
  case unix(path: String)

  /// Reads `8000`, `:8000`, `127.0.0.1:8000`, `[::1]:8000`, `name.example:8000` or `unix:/PATH`.
  package init(_ text: String) throws(AddressError) {
    switch try AddressParts(text) {
    case .unix(let path): self = .unix(path: path)
    case .port(let port), .host(.name("*"), let port): self = .any(port: port)
    case .host(.ip(let address), let port): self = .ip(host: address.description, port: port)
    case .host(.name(let name), let port): self = .name(name, port: port)
    }
  }

  package var description: String {
    switch self {
    case .any(let port): "\(port)"
    case .ip(let host, let port), .name(let host, let port): hostAndPort(host, port)
    case .unix(let path): "unix:\(path)"
    }
  }
}

/// Where a server is.
package enum ServerAddress: Sendable, Hashable, CustomStringConvertible {
  /// A numeric address, in canonical form and without brackets.
  case ip(host: String, port: UInt16)
  /// A host name, lower-case, resolved while the proxy runs.
  case name(host: String, port: UInt16)
  /// The path of a Unix socket.
  case unix(path: String)
  /// The name of SRV records (RFC 2782), lower-case: `_http._tcp.app.example`. They give the
  /// servers' names, ports and weights.
  case service(name: String)

  /// Reads `127.0.0.1:8000`, `[::1]:8000`, `name.example:8000`, `unix:/PATH` or
  /// `srv:_http._tcp.name.example`. With `http://` in front the port may be left out and is 80.
  package init(_ text: String) throws(AddressError) {
    if text.lowercased().hasPrefix("srv:") {
      let name = text.dropFirst(4)
      self = .service(name: name.lowercased())
      guard isHostName(name), name.hasPrefix("_"), !authority.isEmpty else { throw .badService }
      return
    }
    guard !text.lowercased().hasPrefix("https://") else { throw .tlsOutOfPlace }
    var text = text
    if text.lowercased().hasPrefix("http://") {
      text = try Self.authority(of: text.dropFirst(7), defaultPort: 80)
    }
    try self.init(authority: text)
  }

  /// Reads an address that may also begin with `https://`, whose port is 443 unless it is given.
  static func withScheme(
    _ text: String
  ) throws(AddressError) -> (address: ServerAddress, isTLS: Bool) {
    guard text.lowercased().hasPrefix("https://") else { return (try ServerAddress(text), false) }
    let rest = text.dropFirst(8)
    guard !rest.hasPrefix("unix:") else { throw .tlsOverUnix }
    return (try ServerAddress(authority: try authority(of: rest, defaultPort: 443)), true)
  }

  /// What stands after `http://`, with the port.
  private static func authority(
    of url: Substring, defaultPort: UInt16
  ) throws(AddressError) -> String {
    let text = url.hasSuffix("/") ? url.dropLast() : url
    if text.contains(where: { "/?#@".contains($0) }) { throw .notOnlyAuthority }
    let port = text.lastIndex(of: ":").map { text[text.index(after: $0)...] }
    let hasPort = port != nil && port?.contains("]") == false
    return hasPort ? String(text) : "\(text):\(defaultPort)"
  }

  private init(authority text: String) throws(AddressError) {
    switch try AddressParts(text) {
    case .unix(let path): self = .unix(path: path)
    case .port(let port): throw .hostMissing(port)
    case .host(.name("*"), _): throw .malformed
    case .host(.ip(let address), let port): self = .ip(host: address.description, port: port)
    case .host(.name(let name), let port): self = .name(host: name, port: port)
    }
  }

  /// Reads a host that stands beside its port, as on the command line; brackets are optional.
  package init(host: String, port: String) throws(AddressError) {
    let isBare = host.contains(":") && !host.hasPrefix("[")
    guard host.isEmpty || isBare || !host.contains(":") || host.hasSuffix("]") else {
      throw .malformed
    }
    guard !host.isEmpty else { throw .malformed }
    try self.init((isBare ? "[\(host)]" : host) + ":" + port)
  }

  /// Host and port as a URL writes them; `localhost` for a Unix socket, which has no name, and the
  /// domain of a service.
  package var authority: String {
    switch self {
    case .ip(let host, let port), .name(let host, let port): hostAndPort(host, port)
    case .unix: "localhost"
    // What the service is of: without `_http._tcp.`
    case .service(let name):
      String(name.split(separator: ".").drop { $0.hasPrefix("_") }.joined(separator: "."))
    }
  }

  package var description: String {
    switch self {
    case .unix(let path): "unix:\(path)"
    case .service(let name): "srv:\(name)"
    case .ip, .name: authority
    }
  }
}

/// What is wrong with an address; the description completes `ADDRESS ...`.
package enum AddressError: Error, Equatable {
  case malformed
  case portMissing
  case badPort(String)
  case badSocketPath
  case badService
  case hostMissing(UInt16)
  case notOnlyAuthority
  case tlsOutOfPlace
  case tlsOverUnix

  package var description: String {
    switch self {
    case .malformed:
      "is not an address (write \"host:port\", \"[IPv6]:port\" or \"unix:/path\")"
    case .portMissing: "has no port (write \"host:port\")"
    case .badPort(let port): "has no valid port: \"\(port)\" is not a number from 1 to 65535"
    case .badSocketPath:
      "has no valid socket path: it must start with \"/\" and have at most 107 bytes"
    case .badService: "has no service after \"srv:\" (write \"srv:_http._tcp.app.example\")"
    case .hostMissing(let port): "has no host (write \"127.0.0.1:\(port)\")"
    case .notOnlyAuthority: "may have nothing after the port: a path is not supported"
    case .tlsOutOfPlace: "begins with https://, which has no meaning here"
    case .tlsOverUnix: "asks for TLS over a Unix socket, which is not supported"
    }
  }
}

private func hostAndPort(_ host: String, _ port: UInt16) -> String {
  host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
}

/// What the two kinds of address have in common.
private enum AddressParts {
  enum Host {
    case ip(IPAddress)
    case name(String)
  }
  case unix(String)
  case port(UInt16)
  case host(Host, UInt16)

  init(_ text: String) throws(AddressError) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst(5))
      // sockaddr_un has 108 bytes, with the NUL at the end.
      guard path.hasPrefix("/"), path.utf8.count <= 107, !path.utf8.contains(0) else {
        throw .badSocketPath
      }
      self = .unix(path)
      return
    }
    if !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) {
      self = .port(try Self.port(text[...]))
      return
    }
    guard let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") else {
      throw Self.host(text[...]) == nil ? .malformed : .portMissing
    }
    let digits = text[text.index(after: colon)...]
    if colon == text.startIndex {
      self = .port(try Self.port(digits))
      return
    }
    guard let host = Self.host(text[..<colon]) else { throw .malformed }
    self = .host(host, try Self.port(digits))
  }

  private static func port(_ digits: Substring) throws(AddressError) -> UInt16 {
    guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits), port > 0
    else { throw .badPort(String(digits)) }
    return port
  }

  private static func host(_ text: Substring) -> Host? {
    if text.hasPrefix("["), text.hasSuffix("]") {
      guard let address = IPAddress(text.dropFirst().dropLast()), case .v6 = address else {
        return nil
      }
      return .ip(address)
    }
    if let address = IPAddress(text), case .v4 = address { return .ip(address) }
    if text == "*" { return .name("*") }
    return isHostName(text) ? .name(text.lowercased()) : nil
  }
}

/// Whether `text` is made of labels as DNS and container networks use them: letters, digits, `-`
/// and `_`, of 1 to 63 bytes each and 253 in all. Something like `10.0.0` or `1.2.3.4.5`, whose
/// last label is a number, is a mistyped address rather than a name.
func isHostName(_ text: some StringProtocol) -> Bool {
  guard (1...253).contains(text.utf8.count) else { return false }
  let labels = text.split(separator: ".", omittingEmptySubsequences: false)
  guard let last = labels.last, !last.utf8.allSatisfy({ (48...57).contains($0) }) else {
    return false
  }
  return labels.allSatisfy { label in
    (1...63).contains(label.utf8.count)
      && label.utf8.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
          || byte == 0x2D || byte == 0x5F
      }
  }
}
