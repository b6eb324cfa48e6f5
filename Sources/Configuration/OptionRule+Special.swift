// The options whose values are neither a number nor a flag.
import Scripting

extension OptionRule<RouteOptions>.Special {
  static var host: Self {
    Self(
      syntax: "\"client\", \"server\" or a host", annotation: "string",
      show: { options in
        switch options.host {
        case .client: "\"client\""
        case .server: "\"server\""
        case .fixed(let host): "\"\(host)\""
        }
      },
      parse: { value, _ throws(ValueError) in
        guard case .string(let text) = value else {
          throw .expected("\"client\", \"server\" or a host", value)
        }
        let policy: HostPolicy =
          switch text {
          case "client": .client
          case "server": .server
          default: .fixed(text)
          }
        guard isAuthority(text) else { throw ValueError("\"\(text)\" is not a host") }
        return { $0.host = policy }
      })
  }

  static var via: Self {
    Self(
      syntax: "true, false or a pseudonym", annotation: "boolean|string",
      show: { options in options.via.map { "\"\($0)\"" } ?? "false" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(let flag): return { $0.via = flag ? "rsp" : nil }
        case .string(let name) where isToken(name) || isAuthority(name):
          return { $0.via = name }
        default: throw .expected("true, false or a pseudonym (letters, digits and -._~)", value)
        }
      })
  }
}

/// Whether `text` can stand in a Host field: a host name or address, and perhaps a port.
func isAuthority(_ text: String) -> Bool {
  if isHostName(text) || IPAddress(text) != nil && !text.contains(":") { return true }
  if text.hasPrefix("["), text.hasSuffix("]") {
    return IPAddress(text.dropFirst().dropLast()) != nil
  }
  guard let address = try? ServerAddress(text) else { return false }
  switch address {
  case .unix, .service: return false
  case .ip, .name: return !text.contains("/")
  }
}

/// RFC 9110 5.6.2: what names of fields and cookies and a pseudonym in Via are made of.
func isToken(_ text: String) -> Bool {
  !text.isEmpty
    && text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
