// The commands of the command line: what `rsp run` and `rsp check` do with a configuration.
import ArgumentParser
import Configuration
import IO
import Proxy
import Supervision
import Telemetry

/// Starts the proxy; also what `rsp` does when no command is named.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Start the proxy (the default).",
    usage: """
      rsp [run] [--log-level <level>] <configuration file>
      rsp [run] [--log-level <level>] <port> <backend address> <backend port>
      """)

  @Argument(
    help: ArgumentHelp(
      "A configuration file; or a port to listen on, then the address and port of a server.",
      valueName: "file | port address port"))
  var arguments: [String] = []

  @Option(
    help: ArgumentHelp(
      "Log lines from this level on, whatever the configuration says.", valueName: "level"))
  var logLevel: Log.Level?

  @Option(
    help: ArgumentHelp(
      "Where its control socket is, whatever the configuration says; '' for none.",
      valueName: "path"))
  var control: String?

  @Option(
    help: ArgumentHelp(
      "Take over from the rsp whose control socket this is; it ends when its requests have.",
      valueName: "path"))
  var takeover: String?

  func run() throws {
    // Not in validate(), which would hide the better message about an unknown option.
    let source = try Source(arguments)
    let configuration = try source.load()
    Log.level = logLevel ?? configuration.logLevel
    serve(
      configuration,
      Launch(
        file: source.file, logLevel: logLevel, control: control, program: Process.programPath(),
        arguments: CommandLine.arguments),
      takingOverFrom: takeover)
  }
}

/// Reads a configuration and says whether it is in order, without listening anywhere.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say whether a configuration file is in order.",
    usage: "rsp check <configuration file>")

  @Argument(help: ArgumentHelp("The configuration file.", valueName: "configuration file"))
  var file: String

  func run() throws {
    let configuration = try Source.file(file).load()
    let mistakes = Supervisor.mistakes(outside: configuration)
    if !mistakes.isEmpty {
      for mistake in mistakes { StandardError.print("Error: \(mistake)") }
      throw ExitCode.failure
    }
    print("\(file) is in order.")
  }
}

extension Log.Level: ExpressibleByArgument {
  @usableFromInline
  package init?(argument: String) { self.init(name: argument) }

  @usableFromInline
  package static var allValueStrings: [String] { allCases.map(\.name) }
}

/// Says what would become of a request under a configuration that need not be in force anywhere.
func explain(_ request: ExplainedRequest, by configuration: Configuration) -> [String] {
  var request = request
  request.listener = configuration.listener(for: request.url)
  var (explanation, upstreams) = Worker.explain(request, by: configuration)
  explanation.addServers(upstreams, configuration)
  return explanation.lines
}
