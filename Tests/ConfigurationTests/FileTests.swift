// Configurations in files, and the files of the repository that show configurations.
import Routing
import Testing

@testable import Configuration

@Suite struct `A configuration file` {
  @Test func `that does not exist is named with the reason`() {
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration.load(path: "/nonexistent/rsp.lua")
    }
    #expect(
      error?.messages == ["cannot open /nonexistent/rsp.lua: No such file or directory"])
  }

  @Test func `finds modules beside it`() throws {
    try TextFile.withFolder { folder in
      try TextFile.write("return { port = 8123 }", to: folder + "/site_settings.lua")
      try TextFile.write(
        "listen(require('site_settings').port) " + valid, to: folder + "/rsp.lua")
      let configuration = try Configuration.load(path: folder + "/rsp.lua")
      #expect(configuration.listeners.map(\.address) == [.any(port: 8123), .any(port: 8000)])
    }
  }

  @Test func `is named in messages as it was given`() throws {
    try TextFile.withFolder { folder in
      try TextFile.write("\nworkers(0)", to: folder + "/rsp.lua")
      let error = #expect(throws: ConfigurationError.self) {
        try Configuration.load(path: folder + "/rsp.lua")
      }
      #expect(
        error?.messages == ["\(folder)/rsp.lua:2: workers: must be from 1 to 1024, not 0"])
    }
  }
}

@Suite(.serialized) struct `The documentation` {
  private static let root = #filePath.split(separator: "/").dropLast(3)
    .map { "/" + $0 }.joined()
  private static let reference = root + "/docs/configuration.md"
  private static let examples = root + "/examples"
  private static let stub = root + "/docs/rsp.d.lua"

  /// Whether the generated files are to be written rather than compared.
  private func isUpdating() throws -> Bool {
    try lua("return os.getenv('RSP_UPDATE_REFERENCE')") == "1"
  }

  /// The document before, between and after the two comments that enclose what is made.
  private func parts(
    of text: String, _ name: String
  ) throws -> (before: String, made: String, after: String) {
    let start = try #require(text.firstRange(of: "<!-- \(name):"))
    let opening = try #require(text[start.upperBound...].firstIndex(of: "\n"))
    let end = try #require(text.firstRange(of: "<!-- end of \(name)"))
    return (
      String(text[...opening]), String(text[text.index(after: opening)..<end.lowerBound]),
      String(text[end.lowerBound...])
    )
  }

  @Test func `has the entry of every option as the schema makes it`() throws {
    let (before, options, after) = try parts(
      of: TextFile.read(Self.reference), "options")
    if try isUpdating() {
      return try TextFile.write(before + OptionSchema.markdown + after, to: Self.reference)
    }
    #expect(options == OptionSchema.markdown)
    for option in OptionSchema.all {
      #expect(options.contains("#### `\(option.name)`"))
      #expect(options.contains("| `\(option.builtIn)` |"))
    }
  }

  @Test func `has the variables as they are`() throws {
    let (before, variables, after) = try parts(
      of: TextFile.read(Self.reference), "variables")
    if try isUpdating() {
      return try TextFile.write(
        before + OptionSchema.variablesMarkdown + after, to: Self.reference)
    }
    #expect(variables == OptionSchema.variablesMarkdown)
    for name in TemplateVariable.names { #expect(variables.contains("`$\(name.name)`")) }
  }

  @Test func `has the editor stub as the schema makes it, and it is Lua`() throws {
    if try isUpdating() { try TextFile.write(OptionSchema.editorStub, to: Self.stub) }
    #expect(try TextFile.read(Self.stub) == OptionSchema.editorStub)
    _ = try lua("assert(loadfile(...))", Self.stub)
  }

  @Test func `shows only configurations that are right`() throws {
    let text = try TextFile.read(Self.reference)
    let blocks = text.split(separator: "```lua\n", omittingEmptySubsequences: false).dropFirst()
    #expect(blocks.count >= 4)
    for block in blocks {
      let end = try #require(block.firstRange(of: "```"))
      #expect(messages(String(block[..<end.lowerBound])) == [])
    }
  }

  @Test func `has examples that are right`() throws {
    let list = try lua("return io.popen('ls ' .. ... .. '/*.lua'):read('*a')", Self.examples)
    let paths = list.split(separator: "\n").map(String.init)
    #expect(paths.count >= 2)
    for path in paths {
      #expect(throws: Never.self, "\(path)") { _ = try Configuration.load(path: path) }
    }
  }
}
