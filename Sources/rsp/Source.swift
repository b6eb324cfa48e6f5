// Where the configuration comes from: a file, or three words of the command line.
import ArgumentParser
import Configuration
import Telemetry

/// What the positional arguments of `rsp` and `rsp run` say.
enum Source: Equatable {
  case file(String)
  case direct(listenPort: String, backendAddress: String, backendPort: String)

  /// One argument is a file, three are a port and a server.
  /// - Throws: `ValidationError` for any other number: exit status 64.
  init(_ arguments: [String]) throws {
    switch arguments.count {
    case 1:
      self = .file(arguments[0])
    case 3:
      self = .direct(
        listenPort: arguments[0], backendAddress: arguments[1], backendPort: arguments[2])
    default:
      throw ValidationError(
        "Give a configuration file, or a port to listen on, a backend address and a backend port.")
    }
  }

  /// The file that reloads read again; nil without one.
  var file: String? {
    if case .file(let path) = self { path } else { nil }
  }

  /// The configuration, checked.
  /// - Throws: `ValidationError` for three words that make none, status 64; `ExitCode.failure` for
  ///   a file that makes none, status 1, after every mistake in it has been printed.
  func load() throws -> Configuration {
    do throws(ConfigurationError) {
      switch self {
      case .file(let path):
        return try Configuration.load(path: path)
      case .direct(let listenPort, let backendAddress, let backendPort):
        return try Configuration.direct(
          listenPort: listenPort, backendAddress: backendAddress, backendPort: backendPort)
      }
    } catch {
      let mistakes = error.messages.joined(separator: "\n")
      if case .direct = self { throw ValidationError(mistakes) }
      // Without a time: this is an answer to whoever typed the command, and scripts look for it.
      StandardError.print("Error parsing config file: \(mistakes)")
      throw ExitCode.failure
    }
  }
}
