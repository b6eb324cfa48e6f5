// Stands in for what is built elsewhere, with the same shapes: the Configuration module's types and
// Server.swift's serve. To be deleted when those are there; nothing else has to change.
import ArgumentParser
import Telemetry

struct Configuration {
  struct ProcessOptions {
    struct LogLevel { var name = "info" }
    var logLevel = LogLevel()
  }
  var process = ProcessOptions()

  static func load(path: String) throws(ConfigurationError) -> Configuration {
    throw ConfigurationError(messages: ["cannot open \(path): No such file or directory"])
  }

  static func direct(
    listenPort: String, backendAddress: String, backendPort: String
  ) throws(ConfigurationError) -> Configuration {
    guard UInt16(listenPort) != nil else {
      throw ConfigurationError(messages: ["listenPort: \"\(listenPort)\" is no port"])
    }
    return Configuration()
  }
}

struct ConfigurationError: Error {
  var messages: [String]
}

func serve(_ configuration: Configuration) -> Never {
  Log.info("Nothing is served yet.")
  RSP.exit()
}
