// Configurations of several files.
import Routing
import Scripting
import Testing

@testable import Configuration

@Suite struct `An included file` {
  /// A folder with the files, the first of which is loaded.
  private func load(_ files: [(name: String, text: String)]) throws -> Configuration {
    var result: Configuration?
    try TextFile.withFolder { folder in
      for (name, text) in files {
        if let slash = name.lastIndex(of: "/") {
          _ = try lua("os.execute('mkdir -p ' .. ...)", folder + "/" + name[..<slash])
        }
        try TextFile.write(text, to: folder + "/" + name)
      }
      result = try Configuration.load(path: folder + "/" + files[0].name)
    }
    return try #require(result)
  }

  private func messages(_ files: [(name: String, text: String)]) -> [String] {
    let error = #expect(throws: ConfigurationError.self) { try load(files) }
    // The folder has a new name each time.
    return (error?.messages ?? []).map { message in
      message.split(separator: " ").map { word in
        word.hasPrefix("/tmp/")
          ? word.split(separator: "/").dropFirst(2).joined(separator: "/")
          : String(word)
      }.joined(separator: " ")
    }
  }

  private func site(_ name: String) -> String { "site '\(name)' { ['/'] = proxy 'h:1' }" }

  @Test func `is run in its place, those of a pattern by name, with what is global`() throws {
    let configuration = try load([
      ("rsp.lua", "listen '80' port = 8080 include 'sites/*.lua' include 'more.lua'"),
      ("sites/b.lua", site("b")), ("sites/a.lua", "site 'a' { ['/'] = proxy('h:' .. port) }"),
      ("sites/c.txt", "no Lua"), ("more.lua", site("more") + " include 'sites/deep/d.lua'"),
      ("sites/deep/d.lua", site("d")),
    ])
    #expect(configuration.sites.map(\.names[0].description) == ["a", "b", "more", "d"])
    #expect(configuration.upstreams[0].name == "h:8080")
  }

  @Test func `is named in its mistakes, and the others are read`() {
    #expect(
      messages([
        ("rsp.lua", "listen '80' include 'sites/*.lua'\nworkers(0)"),
        ("sites/a.lua", "\nlsten()"), ("sites/b.lua", "\n\nworkers(0)"),
        ("sites/c.lua", "= 1"),
      ]) == [
        "sites/a.lua:2: attempt to call global 'lsten' (a nil value) (did you mean \"listen\"?)",
        "sites/b.lua:3: workers: must be from 1 to 1024, not 0",
        "sites/c.lua:1: unexpected symbol near '='",
        "rsp.lua:2: workers: must be from 1 to 1024, not 0",
      ])
  }

  @Test func `may be missing where a pattern is given, but not by its name`() throws {
    #expect(try load([("rsp.lua", valid + "include 'sites/*.lua'")]).sites.count == 1)
    #expect(
      messages([("rsp.lua", valid + "include 'gone.lua'")]) == [
        #"rsp.lua:1: include "gone.lua": cannot open gone.lua: No such file or directory"#
      ])
  }

  @Test func `may stand 16 deep and not deeper`() throws {
    let files = { (count: Int) in
      [("rsp.lua", valid + "include '1.lua'")]
        + (1...count).map { ("\($0).lua", $0 < count ? "include '\($0 + 1).lua'" : "") }
    }
    _ = try load(files(16))
    #expect(
      messages(files(17)) == [
        #"16.lua:1: include "17.lua": files include files deeper than 16 levels"#
      ])
  }

  @Test func `is part of the program, so that another run needs no file`() throws {
    let configuration = try load([
      ("rsp.lua", "listen '80' include 's*.lua' include 's1.lua' "),
      ("s2.lua", "site 'a' { ['/'] = function() end }"), ("s1.lua", ""),
    ])
    let program = try #require(configuration.program)
    #expect(program.included["s*.lua"]?.count == 2)
    let declarations = Declarations(program: program, keepingFunctions: true)
    try declarations.run(in: LuaState())
    #expect(declarations.messages == [])
    #expect(declarations.functions.map(\.site) == ["a"])
  }
}
