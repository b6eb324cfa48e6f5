// The options of listeners and of the process whose values are neither a number nor a flag.
import Routing
import Scripting

extension OptionRule<ListenerOptions>.Special {
  static var trusted: Self {
    Self(
      syntax: "an address or network, or a list of them", annotation: "string|string[]",
      show: { _ in "{}" },
      parse: { value, _ throws(ValueError) in
        var networks = CIDRSet()
        for text in try value.strings("a network such as \"10.0.0.0/8\", or a list of them") {
          do throws(CIDRError) {
            try networks.insert(text)
          } catch {
            throw ValueError("\"\(text)\": \(error)")
          }
        }
        return { [networks] in $0.trusted = networks }
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
