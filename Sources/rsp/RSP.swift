// The program's entry: the root of the command line. What the commands do is in Commands.swift.
import ArgumentParser

@main
struct RSP: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rsp",
    abstract: "The Really Simple Proxy: an HTTP reverse proxy.",
    usage: """
      rsp <configuration file>
      rsp <port> <backend address> <backend port>
      rsp check <configuration file>
      """,
    discussion: """
      For a start:
        rsp 8000 127.0.0.1 8888     forward port 8000 to the server at 127.0.0.1:8888
        rsp rsp.lua                 do what rsp.lua says
        rsp check rsp.lua           only say whether rsp.lua is in order

      Exit status: 0 after a stop by SIGTERM, 1 when it cannot start, 64 for a wrong command line.
      A file called "run" or "check" is given as ./run or ./check.
      """,
    version: "0.1.0",
    subcommands: [Run.self, Check.self],
    defaultSubcommand: Run.self)
}
