// A configuration's program in a state that lives on to call its functions: run once more, with the
// same statements, and then asked for the function of a route, request by request.
import Routing
import Scripting

/// The functions of a configuration, ready to be called. Worker-confined.
package struct FunctionProgram: ~Copyable {
  private let lua: LuaState
  private let request: LuaRecord
  private let functions: [LuaReference]
  /// The indices of upstreams by what `proxy` is given.
  private let upstreams: [String: Int]

  /// What a function's `request` has, in the order of the numbers that a `LuaRecordSource` is asked
  /// for.
  package enum Field: Int, CaseIterable, Sendable {
    case method, scheme, host, path, query
    case clientAddress = 5
    case tlsServerName = 6

    static let names = [
      "method", "scheme", "host", "path", "query", "client_address", "tls_server_name",
    ]
  }

  /// What `request` has with names of its own.
  package enum Map: Int, CaseIterable, Sendable {
    case headers, cookies

    static let names = ["headers", "cookies"]
  }

  /// Runs the configuration's program.
  /// - Throws: what went wrong in it, or that it gives other functions than in the run which made
  ///   the configuration.
  package init(
    _ configuration: Configuration, limits: LuaLimits = LuaLimits()
  ) throws(ConfigurationError) {
    guard let program = configuration.program else {
      throw ConfigurationError(messages: ["the configuration has no functions"])
    }
    let upstreams = Dictionary(
      configuration.upstreams.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { $1 })
    let declarations = Declarations(program: program, keepingFunctions: true)
    do throws(LuaError) {
      try self.init(declarations, upstreams, configuration, limits)
    } catch {
      let messages = declarations.messages
      throw ConfigurationError(
        messages: messages.isEmpty ? ["\(program.name): \(error.message)"] : messages)
    }
  }

  private init(
    _ declarations: Declarations, _ upstreams: [String: Int], _ configuration: Configuration,
    _ limits: LuaLimits
  ) throws(LuaError) {
    let lua = try LuaState(limits: limits)
    let functions = try Self.run(declarations, in: lua, upstreams.keys, for: configuration)
    let request = try LuaRecord("request", fields: Field.names, maps: Map.names, in: lua)
    try lua.seal()
    self.lua = lua
    self.functions = functions
    self.request = request
    self.upstreams = upstreams
  }

  /// Runs the program, and leaves behind what is needed in requests only.
  private static func run(
    _ declarations: Declarations, in lua: borrowing LuaState,
    _ targets: some Sequence<String>, for configuration: Configuration
  ) throws(LuaError) -> [LuaReference] {
    var known: LuaReference?
    try declarations.run(in: lua) { lua throws(LuaError) in known = try Self.shortenProxy(in: lua) }
    guard declarations.mistakes.isEmpty, let known else { throw LuaError("mistakes") }
    try declarations.compareFunctions(with: configuration)
    let references = declarations.functions.compactMap(\.reference)
    let stack = lua.stack
    stack.push(known)
    for target in targets {
      let location = LuaLocation(source: declarations.source, line: 0)
      try stack.push(object: ActionValue(.proxy(target), location))
      try stack.setField(target, of: -2)
    }
    stack.pop(1)
    declarations.end()
    return references
  }

  /// Puts a table in front of `proxy`, so that a function which calls it looks an action up rather
  /// than have it made.
  /// - Returns: the table, which is empty as long as the program runs.
  private static func shortenProxy(in lua: borrowing LuaState) throws(LuaError) -> LuaReference {
    let stack = lua.stack
    try stack.pushTable()
    stack.pushCopy(of: -1)
    let known = try stack.makeReference()
    try stack.setGlobal("rsp known")
    try lua.run(
      """
      local make, known = proxy, _G["rsp known"]
      _G["rsp known"] = nil
      function proxy(target)
        local action = known[target]
        if action then return action end
        return make(target)  -- A tail call, so that its caller is the program.
      end
      """, name: "rsp")
    return known
  }

  /// What a route's function decides for a request.
  /// - Parameters:
  ///   - source: what `request` shows, as long as this runs.
  ///   - budget: how many Lua instructions may be executed.
  /// - Throws: what went wrong, with its place in the configuration.
  package borrowing func decide(
    _ function: Int, for source: any LuaRecordSource, budget: Int
  ) throws(LuaError) -> Action {
    let reference = functions[function]
    try request.lend(source) { () throws(LuaError) in
      try lua.call(reference, request.reference, budget: budget)
    }
    let stack = lua.stack
    defer { stack.pop(1) }
    guard let value = stack.object(at: -1) as? ActionValue else {
      let what = try stack.value(at: -1).typeDescription
      throw LuaError("it returned \(what), which is no action (write return proxy \"NAME\")")
    }
    switch value.kind {
    case .proxy(let target):
      if let index = upstreams[target] { return .proxy(upstream: index) }
    case .respond(let response): return .respond(response)
    case .redirect(let redirect): return .redirect(redirect)
    case .refused: break
    }
    throw LuaError("\(value.location): the action cannot be used")
  }

  /// Where a function is written; nil for one that is not written in Lua.
  package borrowing func location(of function: Int) -> LuaLocation? {
    let stack = lua.stack
    stack.push(functions[function])
    defer { stack.pop(1) }
    return stack.definition(at: -1)
  }

  /// Bytes of memory that the state holds.
  package var bytesHeld: Int { lua.bytesHeld }
}

extension ActionMaker {
  /// Makes an action while a request is decided: a mistake is an error there and then.
  func makeInRequest(
    _ stack: borrowing LuaStack, _ declarations: Declarations
  ) throws(LuaError) -> ActionValue {
    var values: [LuaValue] = []
    for index in 1...arguments {
      values.append(index <= stack.count ? try stack.value(at: index) : .nil)
    }
    do throws(ValueError) {
      let kind = try make(values, declarations.folder)
      if case .proxy(let target) = kind {
        // Those that the configuration knows are found before this is called.
        let hint =
          target.contains(":") ? "address stands in the configuration" : "upstream has this name"
        throw ValueError("\"\(target)\": no such \(hint)")
      }
      return ActionValue(kind, LuaLocation(source: declarations.source, line: 0))
    } catch {
      throw LuaError("\(name): \(error.message)")
    }
  }
}

extension Declarations {
  /// Holds the functions that this run has found against those of the run that made the
  /// configuration: they are called by their numbers.
  fileprivate func compareFunctions(with configuration: Configuration) throws(LuaError) {
    var expected: [Int: String] = [:]
    for site in configuration.sites {
      for route in site.routes {
        if case .function(let number) = route.action {
          expected[number] = "\(site.names) \(route.pattern)"
        }
      }
    }
    var found: [Int: String] = [:]
    for site in sites {
      for route in site.routes {
        if case .function(let number) = route.answer {
          found[number] = "\(site.names) \(route.pattern)"
        }
      }
    }
    guard expected == found else {
      throw LuaError(
        "the configuration has \(expected.count) functions as routes, but in a worker, where it is "
          + "run again, \(found.count), or at other places: what it declares must not change from "
          + "run to run")
    }
  }
}
