// Reading a configuration: from a file, or straight from the command line.
import Routing
import Scripting

extension Configuration {
  /// Runs a configuration file.
  /// - Throws: `cannot open PATH: REASON`, or every mistake of the file.
  package static func load(path: String) throws(ConfigurationError) -> Configuration {
    let source: [UInt8]
    do throws(FileError) {
      source = try SourceFile.read(path, limit: ConfigurationLanguage.largestFile)
    } catch {
      throw ConfigurationError(messages: ["cannot open \(path): \(error)"])
    }
    return try load(Program(name: path, source: source, folder: SourceFile.folder(of: path)))
  }

  /// Runs a configuration that is at hand as text, which messages call `name`.
  package static func load(
    text: String, name: String = "rsp.lua", folder: String = "."
  ) throws(ConfigurationError) -> Configuration {
    try load(Program(name: name, source: Array(text.utf8), folder: folder))
  }

  private static func load(_ program: Program) throws(ConfigurationError) -> Configuration {
    let declarations = Declarations(program: program, keepingFunctions: false)
    do throws(LuaError) {
      try declarations.run(in: LuaState(limits: LuaLimits()))
    } catch {
      throw ConfigurationError(messages: declarations.messages + [error.message])
    }
    return try declarations.resolve()
  }

  /// What `rsp 8000 127.0.0.1 8888` means: one listener, one server.
  /// - Throws: what is wrong with the three values.
  package static func direct(
    listenPort: String, backendAddress: String, backendPort: String
  ) throws(ConfigurationError) -> Configuration {
    let declarations = Declarations(source: "")
    declarations.declareThree(
      listenPort: listenPort, backendAddress: backendAddress, backendPort: backendPort)
    return try declarations.resolve()
  }
}

extension Declarations {
  /// Milliseconds of processor time that a program may take: 100,000 sites take one second.
  private static var patience: Int { 30_000 }

  /// Runs the program in a state, in which the statements are defined first.
  ///
  /// The state that is to call functions later is prepared by this too, and then asks `functions`
  /// for them:
  ///
  ///     let declarations = Declarations(program: program, keepingFunctions: true)
  ///     try declarations.run(in: lua)
  ///     guard declarations.mistakes.isEmpty else { ... declarations.messages ... }
  ///     let references = declarations.functions.map(\.reference)  // nowhere nil; index = number
  ///
  /// A program may do something else on each run (`os.time`, `os.getenv`): `functions` says of which
  /// site and route each is, to be held against the `Configuration`.
  ///
  /// - Parameter prepare: called when the statements are there and the program has not begun.
  /// - Throws: what the state itself failed at. What the program does wrong is a mistake of this.
  func run(
    in lua: borrowing LuaState,
    prepare: (borrowing LuaState) throws(LuaError) -> Void = { _ in }
  ) throws(LuaError) {
    guard let program else { return }
    try lua.addModules(inFolder: program.folder)
    try lua.restrict()
    try ConfigurationLanguage(declarations: self).install(in: lua)
    try prepare(lua)
    lua.watchLoading(milliseconds: Self.patience)
    do throws(LuaError) {
      try lua.stack.load(program.source, file: program.name)
      try lua.stack.call(arguments: 0, results: 0)
    } catch {
      return complain(about: error)
    }
    complainAboutOpenStatements()
    try declareGlobals(of: lua)
  }

  /// Declares what the globals `listenPort`, `backendAddress` and `backendPort` say, if there are
  /// any of them.
  func declareGlobals(of lua: borrowing LuaState) throws(LuaError) {
    let names = ["listenPort", "backendAddress", "backendPort"]
    var values: [String: String] = [:]
    var isUsed = false
    for name in names {
      try lua.stack.pushGlobal(name)
      let value = try lua.stack.value(at: -1)
      lua.stack.pop(1)
      switch value {
      case .nil: continue
      case .string(let text): values[name] = text
      case .number(let number) where Int(exactly: number) != nil:
        values[name] = String(Int(number))
      default:
        let error = ValueError.expected("a string or a whole number", value)
        complain("\(name): \(error.message)", at: nil)
      }
      isUsed = true
    }
    guard isUsed else { return }
    guard !hasStatements else {
      let list = names.joined(separator: ", ")
      return complain("\(list) cannot be mixed with listen, upstream and site", at: nil)
    }
    guard let listenPort = values["listenPort"], let address = values["backendAddress"],
      let backendPort = values["backendPort"]
    else {
      if mistakes.isEmpty {
        for name in names where values[name] == nil { complain("\(name) is not set", at: nil) }
      }
      return
    }
    declareThree(listenPort: listenPort, backendAddress: address, backendPort: backendPort)
  }

  /// `listen "8000"  upstream "default" { "127.0.0.1:8888" }  site "*" { ["/"] = proxy "default" }`
  func declareThree(listenPort: String, backendAddress: String, backendPort: String) {
    let nowhere = LuaLocation(source: source, line: 0)
    do {
      listeners.append(
        Listener(
          location: nowhere, address: try ListenAddress(listenPort), options: OptionLayer()))
    } catch {
      complain("listenPort: \"\(listenPort)\" \(error.description)", at: nil)
    }
    do {
      let server = try ServerAddress(host: backendAddress, port: backendPort)
      add(
        Upstream(
          location: nowhere, name: "default",
          servers: [Server(address: server, options: OptionLayer())], options: OptionLayer()))
    } catch {
      complain(
        "backendAddress, backendPort: \"\(backendAddress):\(backendPort)\" \(error.description)",
        at: nil)
    }
    let route = Route(
      text: "/", pattern: .prefix([0x2f]),
      answer: .action(ActionValue(.proxy("default"), nowhere)), options: OptionLayer())
    if upstreams.isEmpty { return }
    sites.append(Site(location: nowhere, names: [.any], routes: [route], options: OptionLayer()))
  }
}
