// The variables that a value in the configuration may name: nginx's names, because they are what
// people know, and nothing that nginx has under another meaning.

/// A piece of a request, of its connection or of the answer, by the name it has in a template.
package enum TemplateVariable: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  // The client and the connection.
  case remoteAddress, remotePort, peerAddress, serverAddress, serverPort
  // The request.
  case host, scheme, https, requestMethod, requestURI, uri, query, isArgs, serverProtocol
  case requestID, serverName, forwardedFor
  // The answer, and the server that gave it.
  case status, proxyHost, upstreamAddress
  // TLS towards the client.
  case tlsProtocol, tlsCipher, tlsServerName, tlsSessionReused, tlsClientSubject, tlsClientVerify
  // This machine, and now.
  case hostname, timeISO8601, milliseconds
  // With a name of their own.
  case field, argument, cookie, responseField
  /// `$1` to `$9`: a group of the route's expression.
  case group

  /// Whether there is a value only when the response's head is there.
  package var isOfResponse: Bool {
    switch self {
    case .status, .upstreamAddress, .responseField: true
    default: false
    }
  }

  /// The variable as it stands after the "$".
  func written(_ name: String) -> String {
    if let family = Self.families.first(where: { $0.variable == self }) {
      let isField = self == .field || self == .responseField
      let name = isField ? name.map { $0 == "-" ? "_" : $0 } : Array(name)
      return family.name + String(name)
    }
    return Self.names.first { $0.variable == self }?.name ?? name
  }

  /// The variable that a name after the "$" stands for, and what its own name is: for a field in
  /// small letters with "-" for "_", for an argument or cookie as it is written.
  static func named(_ name: some StringProtocol) -> (variable: TemplateVariable, name: String)? {
    if let first = name.utf8.first, 0x31...0x39 ~= first {
      return name.utf8.count == 1 ? (.group, String(name)) : nil
    }
    if let known = names.first(where: { $0.name == name }) { return (known.variable, "") }
    for family in families where name.hasPrefix(family.name) {
      let rest = name.dropFirst(family.name.count)
      guard !rest.isEmpty else { return nil }
      switch family.variable {
      case .field, .responseField:
        let field = rest.utf8.map { byte -> UInt8 in
          byte == 0x5f ? 0x2d : 0x41...0x5a ~= byte ? byte | 0x20 : byte
        }
        return (family.variable, String(decoding: field, as: UTF8.self))
      default:
        return (family.variable, String(rest))
      }
    }
    return nil
  }
}
