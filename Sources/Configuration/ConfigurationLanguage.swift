// The statements as Lua sees them: global functions that copy their arguments out of Lua and hand
// them to Declarations. A mistake does not stop the run, so that all are reported together.
import Scripting

struct ConfigurationLanguage {
  /// The global functions, for "did you mean".
  static let statements = [
    "acme", "defaults", "include", "listen", "log", "proxy", "redirect", "respond", "site",
    "upstream", "workers",
  ]

  let declarations: Declarations

  /// Defines the statements in a state. They declare to `declarations` whenever they are called, so
  /// whoever keeps the state after the run replaces those that are not to be called any more.
  func install(in lua: borrowing LuaState) throws(LuaError) {
    try define("workers", in: lua, declarations.declareWorkers)
    try define("defaults", in: lua, declarations.declareDefaults)
    try define("log", in: lua, declarations.declareLog)
    try define("acme", in: lua, declarations.declareACME)
    try define("listen", in: lua, declarations.declareListener)
    try defineNamed("upstream", in: lua, declarations.declareUpstream)
    try defineNamed("site", in: lua, declarations.declareSite)
    try defineInclude(in: lua)
    for maker in ActionMaker.all { try define(maker, in: lua) }
  }

  /// A statement with one argument: `workers(4)`.
  private func define(
    _ name: String, in lua: borrowing LuaState,
    _ declare: @escaping (LuaValue, LuaLocation) -> Void
  ) throws(LuaError) {
    let declarations = declarations
    try lua.stack.push(function: { stack throws(LuaError) in
      declare(try declarations.value(at: 1, of: stack), declarations.location(of: stack))
      return 0
    })
    try lua.stack.setGlobal(name)
  }

  /// A statement with a name and a block: `site "*" { ... }`, which is Lua for `site("*")({ ... })`.
  ///
  /// There may be 100,000 of them, so the function that waits for the block is made once, and only
  /// while it waits already is another one made.
  private func defineNamed(
    _ statement: String, in lua: borrowing LuaState,
    _ declare: @escaping (String, LuaValue, LuaLocation) -> Void
  ) throws(LuaError) {
    let declarations = declarations
    let common = OpenStatement(statement)
    let block = try Self.reference(to: common, in: lua, declarations, declare)
    declarations.watch(common)
    try lua.stack.push(function: { stack throws(LuaError) in
      let location = declarations.location(of: stack)
      let first = try declarations.value(at: 1, of: stack)
      if case .string(let name) = first, stack.count > 1 {
        declare(name, try declarations.value(at: 2, of: stack), location)
        return 0
      }
      guard case .string(let name) = first else {
        let error = ValueError.expected("a name", first)
        declarations.complain("\(statement): \(error.message)", at: location)
        declarations.hasStatements = true
        try stack.push(function: { _ throws(LuaError) in 0 })
        return 1
      }
      declarations.hasStatements = true
      if common.isOpen {
        let other = OpenStatement(statement)
        other.open(name, at: location)
        declarations.watch(other)
        try stack.push(function: Self.waiting(for: other, declarations, declare))
      } else {
        common.open(name, at: location)
        stack.push(block)
      }
      return 1
    })
    try lua.stack.setGlobal(statement)
  }

  private static func reference(
    to statement: OpenStatement, in lua: borrowing LuaState, _ declarations: Declarations,
    _ declare: @escaping (String, LuaValue, LuaLocation) -> Void
  ) throws(LuaError) -> LuaReference {
    try lua.stack.push(function: waiting(for: statement, declarations, declare))
    return try lua.stack.makeReference()
  }

  /// The function that takes the block of a statement.
  private static func waiting(
    for statement: OpenStatement, _ declarations: Declarations,
    _ declare: @escaping (String, LuaValue, LuaLocation) -> Void
  ) -> LuaFunction {
    { stack throws(LuaError) in
      guard let (name, location) = statement.close() else {
        declarations.complain(
          "\(statement.statement): a { ... } without a name before it",
          at: declarations.location(of: stack))
        return 0
      }
      declare(name, try declarations.value(at: 1, of: stack), location)
      return 0
    }
  }

  /// A function that makes an action: `proxy "app"`.
  ///
  /// In a loop the same line makes the same action again and again, which is kept for it.
  private func define(_ maker: ActionMaker, in lua: borrowing LuaState) throws(LuaError) {
    let declarations = declarations
    var last: (value: ActionValue, reference: LuaReference)?
    try lua.stack.push(function: { stack throws(LuaError) in
      if declarations.isOver {
        try stack.push(object: try maker.makeInRequest(stack, declarations))
        return 1
      }
      let location = declarations.location(of: stack)
      var arguments: [LuaValue] = []
      for index in 1...maker.arguments {
        arguments.append(
          index <= stack.count ? try declarations.value(at: index, of: stack) : .nil)
      }
      var kind = ActionValue.Kind.refused
      do throws(ValueError) {
        kind = try maker.make(arguments, declarations.folder)
        if let last, last.value.location == location, last.value.kind == kind {
          stack.push(last.reference)
          return 1
        }
        if case .proxy(let target) = kind {
          declarations.noteTarget(target, of: "proxy", at: location)
        }
      } catch {
        declarations.complain("\(maker.name): \(error.message)", at: location)
      }
      let value = ActionValue(kind, location)
      try stack.push(object: value)
      if let last { stack.release(last.reference) }
      last = nil
      stack.pushCopy(of: -1)
      last = (value, try stack.makeReference())
      return 1
    })
    try lua.stack.setGlobal(maker.name)
  }
}

/// A statement that has its name but not yet its block. Confined to one run.
final class OpenStatement {
  let statement: String
  private(set) var opened: (name: String, location: LuaLocation)?

  init(_ statement: String) { self.statement = statement }

  var isOpen: Bool { opened != nil }

  func open(_ name: String, at location: LuaLocation) { opened = (name, location) }

  /// What was open.
  func close() -> (name: String, location: LuaLocation)? {
    defer { opened = nil }
    return opened
  }
}
