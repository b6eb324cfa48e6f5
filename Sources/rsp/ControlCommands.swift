// The commands that talk to a running rsp over its control socket.
import ArgumentParser
import Configuration
import JSON
import Proxy
import Supervision
import Telemetry

/// Which rsp is meant.
struct ControlOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The path of its control socket.", valueName: "path"))
  var control: String?

  @Option(
    help: ArgumentHelp("Its configuration file, which names the control socket.", valueName: "file")
  )
  var config: String?

  /// The path of the control socket.
  func path() throws -> String {
    if let control { return control }
    guard let config else { return ControlPath.standard }
    let configuration = try Source.file(config).load()
    guard let path = ControlPath.path(for: configuration.process.controlSocket) else {
      throw fail("\(config) says that there is no control socket.")
    }
    return path
  }

  /// Asks it something; a failure is told and ends the command with status 1.
  func ask(_ request: JSON) throws -> JSON {
    let path = try path()
    do throws(ControlError) { return try ControlClient.ask(request, at: path) } catch {
      throw fail(error.description)
    }
  }
}

/// Tells why a command cannot do its work.
func fail(_ message: String) -> ExitCode {
  StandardError.print("Error: \(message)")
  return .failure
}

/// What a running rsp does and how its servers are.
struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a running rsp does and how its servers are.")

  @OptionGroup var rsp: ControlOptions
  @Flag(help: "Print the answer as JSON.")
  var json = false
  @Flag(help: "List every site, not only the 20 that are asked most.")
  var allSites = false

  func run() throws {
    let status = try rsp.ask(["command": "status", "all_sites": .bool(allSites)])
    print(json ? String(decoding: status.line, as: UTF8.self) : StatusTable(status).text)
  }
}

/// Has a running rsp read its configuration file again.
struct Reload: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Have a running rsp read its configuration file again.",
    discussion: """
      A file with mistakes changes nothing: they are told, and the exit status is 1.
      With --confirm the old configuration comes back by itself after that time,
      unless `rsp confirm` comes first.
      """)

  @OptionGroup var rsp: ControlOptions
  @Option(
    help: ArgumentHelp(
      "Go back after this time, such as 60s or 5m, unless confirmed.", valueName: "time"))
  var confirm: Seconds?
  @Flag(help: "Go back now to the configuration before the one that waits to be confirmed.")
  var rollback = false

  func validate() throws {
    if rollback, confirm != nil { throw ValidationError("--rollback goes without --confirm.") }
  }

  func run() throws {
    if rollback {
      _ = try rsp.ask(["command": "rollback"])
      return print("Went back to the configuration before.")
    }
    var request: JSON = ["command": "reload"]
    if let confirm { request.append("confirm", .integer(confirm.count)) }
    let answer = try rsp.ask(request)
    print("Reloaded: \(answer["status"]?.text ?? "").")
    if let confirm { print("It goes back in \(confirm.count) s unless `rsp confirm` comes first.") }
  }
}

/// Keeps the configuration that waits for it.
struct Confirm: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Keep the configuration that `rsp reload --confirm` has put in force.")

  @OptionGroup var rsp: ControlOptions

  func run() throws {
    _ = try rsp.ask(["command": "confirm"])
    print("Confirmed.")
  }
}

/// Starts the program anew without losing a connection.
struct Upgrade: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Replace a running rsp by the program that is installed now, losing no connection.")

  @OptionGroup var rsp: ControlOptions

  func run() throws {
    let answer = try rsp.ask(["command": "upgrade"])
    print("Process \(answer["pid"]?.int ?? 0) has taken over.")
  }
}

/// What `drain`, `down` and `up` have in common.
struct ServerArguments: ParsableArguments {
  @Argument(help: ArgumentHelp("The upstream's name.", valueName: "upstream"))
  var upstream: String
  @Argument(help: ArgumentHelp("The server as configured, or its address.", valueName: "server"))
  var server: String
  @OptionGroup var rsp: ControlOptions

  func ask(_ command: String, _ state: String) throws {
    let answer = try rsp.ask([
      "command": .string(command), "upstream": .string(upstream), "server": .string(server),
    ])
    let count = answer["servers"]?.int ?? 1
    print("\(server) is \(state)\(count > 1 ? " at all its \(count) addresses" : "").")
  }
}

struct Drain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Send a server nothing new, but what sticks to it.")
  @OptionGroup var arguments: ServerArguments
  func run() throws { try arguments.ask("drain", "draining") }
}

struct Down: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Send a server nothing at all.")
  @OptionGroup var arguments: ServerArguments
  func run() throws { try arguments.ask("down", "down") }
}

struct Up: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Use a server again.")
  @OptionGroup var arguments: ServerArguments
  func run() throws { try arguments.ask("up", "up") }
}

/// Says why a request goes where it goes.
struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say which site, route and server a request would get, and why.",
    discussion: """
      Asks a running rsp. With --config it asks that file instead, and nothing needs to run.
      """)

  @Argument(help: ArgumentHelp("Such as http://example.com/path?query.", valueName: "url"))
  var url: String
  @Option(help: ArgumentHelp("The request's method.", valueName: "method"))
  var method = "GET"
  @Option(
    name: .customLong("header"), parsing: .singleValue,
    help: ArgumentHelp("A field of the request, such as 'A: b'.", valueName: "field"))
  var headers: [String] = []
  @Option(
    help: ArgumentHelp(
      "The client's IP address, for what depends on it.", valueName: "address"))
  var client: String?
  @OptionGroup var rsp: ControlOptions

  func validate() throws {
    for header in headers where !header.contains(":") {
      throw ValidationError("--header '\(header)': a field is a name, a colon and a value.")
    }
    if let client, !ExplainedRequest.isAddress(client) {
      throw ValidationError("--client '\(client)' is no IP address.")
    }
  }

  func run() throws {
    let lines: [String]
    if let file = rsp.config, rsp.control == nil {
      let configuration = try Source.file(file).load()
      let request = ExplainedRequest(
        method: method, url: url, fields: headers, client: client)
      lines = explain(request, by: configuration)
    } else {
      var request: JSON = [
        "command": "explain", "method": .string(method), "url": .string(url),
        "headers": .array(headers.map { .string($0) }),
      ]
      if let client { request.append("client", .string(client)) }
      let answer = try rsp.ask(request)
      lines = (answer["lines"]?.elements ?? []).compactMap(\.text)
    }
    print(lines.joined(separator: "\n"))
  }
}

/// A time of at least a second, as `60s`, `5m`, `1h`, or a number of seconds.
struct Seconds: ExpressibleByArgument {
  let count: Int

  init?(argument: String) {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600]
    let factor = argument.last.flatMap { units[$0] }
    let digits = factor == nil ? argument[...] : argument.dropLast()
    guard digits.allSatisfy(\.isASCII), let number = Int(digits), number > 0,
      case let (count, overflow) = number.multipliedReportingOverflow(by: factor ?? 1), !overflow
    else { return nil }
    self.count = count
  }
}
