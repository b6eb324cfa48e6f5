// Reading a configuration: from a file, or straight from the command line.
import Routing
import Scripting

extension Configuration {
  /// Runs a configuration file.
  /// - Throws: `cannot open PATH: REASON`, Lua's own message, or every mistake of the file.
  package static func load(path: String) throws(ConfigurationError) -> Configuration {
    try evaluate(source: path, folder: folder(of: path)) { lua throws(LuaError) in
      try lua.run(file: path)
    }
  }

  /// Runs a configuration that is at hand as text, which messages call `name`.
  package static func load(
    text: String, name: String = "rsp.lua"
  ) throws(ConfigurationError) -> Configuration {
    try evaluate(source: name, folder: ".") { lua throws(LuaError) in
      try lua.run(text, name: name)
    }
  }

  private static func evaluate(
    source: String, folder: String, run: (borrowing LuaState) throws(LuaError) -> Void
  ) throws(ConfigurationError) -> Configuration {
    let declarations = Declarations(source: source)
    do throws(LuaError) {
      let lua = try LuaState()
      try lua.addModules(inFolder: folder)
      try ConfigurationLanguage(declarations: declarations).install(in: lua)
      try run(lua)
      declarations.complainAboutOpenStatements()
      try declarations.declareGlobals(of: lua)
    } catch {
      throw ConfigurationError(
        messages: declarations.messages + [error.message + hint(for: error.message)])
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

  /// The folder that holds the file at `path`, by which `require` finds modules beside it.
  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// A statement that was probably meant by a call of an unknown global.
  private static func hint(for message: String) -> String {
    let opening = "attempt to call global '"
    guard let start = message.firstRange(of: opening)?.upperBound,
      let end = message[start...].firstIndex(of: "'")
    else { return "" }
    return suggestion(
      for: String(message[start..<end]), among: ConfigurationLanguage.statements)
  }
}

extension Declarations {
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
      upstreams.append(
        Upstream(
          location: nowhere, name: "default",
          servers: [ServerConfiguration(address: server)], options: OptionLayer()))
    } catch {
      complain(
        "backendAddress, backendPort: \"\(backendAddress):\(backendPort)\" \(error.description)",
        at: nil)
    }
    let route = Route(
      pattern: .prefix([0x2f]), action: ActionValue(.proxy("default"), nowhere),
      options: OptionLayer())
    if upstreams.isEmpty { return }
    sites.append(Site(location: nowhere, names: [.any], routes: [route], options: OptionLayer()))
  }
}
