// The statements as Lua sees them: global functions that copy their arguments out of Lua and hand
// them to Declarations. A mistake does not stop the run, so that all are reported together.
import Scripting

struct ConfigurationLanguage {
  /// The global functions, for "did you mean".
  static let statements = [
    "defaults", "listen", "log", "proxy", "redirect", "respond", "site", "upstream", "workers",
  ]

  let declarations: Declarations

  func install(in lua: borrowing LuaState) throws(LuaError) {
    try define("workers", in: lua, declarations.declareWorkers)
    try define("defaults", in: lua, declarations.declareDefaults)
    try define("log", in: lua, declarations.declareLog)
    try define("listen", in: lua, declarations.declareListener)
    try defineNamed("upstream", in: lua, declarations.declareUpstream)
    try defineNamed("site", in: lua, declarations.declareSite)
    try defineAction("proxy", in: lua)
    try defineAction("respond", in: lua)
    try defineAction("redirect", in: lua)
  }

  /// Where the statement stands that is being called.
  private static func location(
    _ stack: borrowing LuaStack, _ declarations: Declarations
  ) -> LuaLocation {
    stack.caller ?? LuaLocation(source: declarations.source, line: 0)
  }

  /// A statement with one argument: `workers(4)`.
  private func define(
    _ name: String, in lua: borrowing LuaState,
    _ declare: @escaping (LuaValue, LuaLocation) -> Void
  ) throws(LuaError) {
    let declarations = declarations
    try lua.stack.push(function: { stack throws(LuaError) in
      declare(try stack.value(at: 1), Self.location(stack, declarations))
      return 0
    })
    try lua.stack.setGlobal(name)
  }

  /// A statement with a name and a block: `site "*" { ... }`, which is Lua for `site("*")({ ... })`.
  private func defineNamed(
    _ statement: String, in lua: borrowing LuaState,
    _ declare: @escaping (String, LuaValue, LuaLocation) -> Void
  ) throws(LuaError) {
    let declarations = declarations
    try lua.stack.push(function: { stack throws(LuaError) in
      let location = Self.location(stack, declarations)
      let first = try stack.value(at: 1)
      if case .string(let name) = first, stack.count > 1 {
        declare(name, try stack.value(at: 2), location)
        return 0
      }
      guard case .string(let name) = first else {
        let error = ValueError.expected("a name", first)
        declarations.complain("\(statement): \(error.message)", at: location)
        declarations.hasStatements = true
        try stack.push(function: { _ throws(LuaError) in 0 })
        return 1
      }
      let ticket = declarations.open("\(statement) \"\(name)\"", at: location)
      try stack.push(function: { stack throws(LuaError) in
        declarations.close(ticket)
        declare(name, try stack.value(at: 1), location)
        return 0
      })
      return 1
    })
    try lua.stack.setGlobal(statement)
  }

  /// A function that makes an action: `proxy "app"`.
  private func defineAction(_ name: String, in lua: borrowing LuaState) throws(LuaError) {
    let declarations = declarations
    try lua.stack.push(function: { stack throws(LuaError) in
      let location = Self.location(stack, declarations)
      let argument = try stack.value(at: 1)
      var kind = ActionValue.Kind.refused
      if name != "proxy" {
        declarations.complain("\(name) is not supported in this version", at: location)
      } else if case .string(let target) = argument {
        kind = .proxy(target)
      } else {
        let error = ValueError.expected("the name of an upstream or an address", argument)
        declarations.complain("proxy: \(error.message)", at: location)
      }
      try stack.push(object: ActionValue(kind, location))
      return 1
    })
    try lua.stack.setGlobal(name)
  }
}
