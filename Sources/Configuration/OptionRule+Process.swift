// The options of listeners and of the process whose values are neither a number nor a flag.
import Routing
import Scripting

extension OptionRule<ListenerOptions>.Special {
  static var trusted: Self {
    Self(
      syntax: "an address or network, or a list of them", annotation: "string|string[]",
      show: { _ in "{}" },
      parse: { value, _ throws(ValueError) in
        let networks = try networks(value)
        return { $0.trusted = networks }
      })
  }
}

extension OptionRule<ProcessOptions>.Special {
  static var control: Self {
    Self(
      syntax: "true, false or the path of a Unix socket", annotation: "boolean|string",
      show: { options in
        options.controlSocket.map { $0.isEmpty ? "false" : "\"\($0)\"" } ?? "true"
      },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(let isOn): return { $0.controlSocket = isOn ? nil : "" }
        case .string(let path):
          guard (try? ListenAddress("unix:\(path)")) != nil else {
            throw ValueError("\"\(path)\" \(AddressError.badSocketPath.description)")
          }
          return { $0.controlSocket = path }
        default: throw .expected("true, false or the path of a Unix socket", value)
        }
      })
  }

  /// nginx: `resolver`.
  static var resolver: Self {
    Self(
      syntax: "false, the address of a DNS server, or a list of them",
      annotation: "false|string|string[]", show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        if case .boolean(false) = value { return { $0.resolver = nil } }
        var servers: [String] = []
        for text in try value.strings("an address such as \"10.0.0.53\", or a list of them") {
          servers.append(try dnsServer(text))
        }
        guard !servers.isEmpty else { throw .expected("the address of a DNS server", value) }
        return { [servers] in $0.resolver = servers.joined(separator: ",") }
      })
  }

  /// An address with its port, 53 unless it is given.
  private static func dnsServer(_ text: String) throws(ValueError) -> String {
    for candidate in [text, "\(text):53", "[\(text)]:53"] {
      if let address = try? ServerAddress(candidate), case .ip = address {
        return address.description
      }
    }
    throw ValueError("\"\(text)\" is not the address of a DNS server (write \"10.0.0.53\")")
  }

  private static var levels: String {
    LogLevel.allCases.map { "\"\($0.name)\"" }.joined(separator: ", ")
  }

  static var logLevel: Self {
    Self(
      syntax: levels,
      annotation: LogLevel.allCases.map { "\"\($0.name)\"" }.joined(separator: "|"),
      show: { "\"\($0.logLevel.name)\"" },
      parse: { value, _ throws(ValueError) in
        guard case .string(let name) = value, let level = LogLevel(name: name) else {
          throw .expected("one of \(levels)", value)
        }
        return { $0.logLevel = level }
      })
  }
}
