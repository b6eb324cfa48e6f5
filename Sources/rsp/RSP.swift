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
        rsp reload                  have the running rsp read its file again
        rsp status                  how it and its servers are

      Exit status: 0 after a stop by SIGTERM, 1 when it cannot start or a command cannot do its work,
      64 for a wrong command line. A file called as a command, such as "run", is given as ./run.
      """,
    version: "0.1.0",
    subcommands: [
      Run.self, Check.self, Status.self, Reload.self, Confirm.self, Upgrade.self, Drain.self,
      Down.self, Up.self, Explain.self,
    ],
    defaultSubcommand: Run.self)
}
