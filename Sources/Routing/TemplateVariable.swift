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
  case tlsProtocol, tlsCipher, tlsServerName
  // This machine, and now.
  case hostname, timeISO8601, milliseconds
  // With a name of their own.
  case field, argument, cookie, responseField
  /// `$1` to `$9`: a group of the route's expression.
  case group

  /// The variables of fixed names, sorted; a mistaken name is best compared with these.
  package static let names: [(name: String, variable: TemplateVariable)] = [
    ("args", .query),
    ("client_address", .remoteAddress),
    ("host", .host),
    ("hostname", .hostname),
    ("https", .https),
    ("is_args", .isArgs),
    ("msec", .milliseconds),
    ("proxy_add_x_forwarded_for", .forwardedFor),
    ("proxy_host", .proxyHost),
    ("query_string", .query),
    ("realip_remote_addr", .peerAddress),
    ("remote_addr", .remoteAddress),
    ("remote_port", .remotePort),
    ("request_id", .requestID),
    ("request_method", .requestMethod),
    ("request_uri", .requestURI),
    ("scheme", .scheme),
    ("server_addr", .serverAddress),
    ("server_name", .serverName),
    ("server_port", .serverPort),
    ("server_protocol", .serverProtocol),
    ("ssl_cipher", .tlsCipher),
    ("ssl_protocol", .tlsProtocol),
    ("ssl_server_name", .tlsServerName),
    ("status", .status),
    ("time_iso8601", .timeISO8601),
    ("upstream_addr", .upstreamAddress),
    ("uri", .uri),
  ]

  /// The variables that go on with a name: `$http_user_agent`, `$arg_page`, `$cookie_session`.
  package static let families: [(prefix: String, variable: TemplateVariable)] = [
    ("arg_", .argument),
    ("cookie_", .cookie),
    ("http_", .field),
    ("sent_http_", .responseField),
  ]

  /// Whether there is a value only when the response's head is there.
  package var isOfResponse: Bool {
    switch self {
    case .status, .upstreamAddress, .responseField: true
    default: false
    }
  }

  /// The variable that a name after the "$" stands for, and what its own name is: for a field in
  /// small letters with "-" for "_", for an argument or cookie as it is written.
  static func named(_ name: some StringProtocol) -> (variable: TemplateVariable, name: String)? {
    if let first = name.utf8.first, 0x31...0x39 ~= first {
      return name.utf8.count == 1 ? (.group, String(name)) : nil
    }
    if let known = names.first(where: { $0.name == name }) { return (known.variable, "") }
    for family in families where name.hasPrefix(family.prefix) {
      let rest = name.dropFirst(family.prefix.count)
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
