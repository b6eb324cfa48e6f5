// Limits of Lua code that is called for requests: at each limit and one past it, and by every way
// that code could try to go on.
import Testing

@testable import Scripting

/// A sealed state whose function is what a piece of Lua source returns.
struct Bounded: ~Copyable {
  let lua: LuaState
  let function: LuaReference
  let nothing: LuaReference

  init(_ source: String, _ limits: LuaLimits = LuaLimits()) throws(LuaError) {
    let lua = try LuaState(limits: limits)
    (function, nothing) = try Self.load(source, in: lua)
    self.lua = lua
  }

  private static func load(
    _ source: String, in lua: borrowing LuaState
  ) throws(LuaError) -> (LuaReference, LuaReference) {
    try lua.restrict()
    let stack = lua.stack
    try stack.load(source, name: "rsp.lua")
    try stack.call(arguments: 0, results: 1)
    let function = try stack.makeReference()
    stack.pushNil()
    let nothing = try stack.makeReference()
    try lua.seal()
    return (function, nothing)
  }

  /// The function's result, as text.
  borrowing func call(budget: Int = 1_000_000) throws(LuaError) -> String? {
    let stack = lua.stack
    try lua.call(function, nothing, budget: budget)
    defer { stack.pop(1) }
    switch try stack.value(at: -1) {
    case .string(let text): return text
    case .number(let number): return "\(number)"
    case .nil: return nil
    case let other: return other.typeDescription
    }
  }

  /// How many values are on the stack.
  var depth: Int { lua.stack.count }

  /// The message that a call fails with; nil when it does not fail.
  borrowing func failure(budget: Int = 1_000_000) -> String? {
    do throws(LuaError) {
      _ = try call(budget: budget)
      return nil
    } catch {
      return error.message
    }
  }
}

private let overBudget = "the function has executed more than 1000 instructions (lua_budget)"

@Suite struct `A bounded call` {
  @Test func `gives the function's result`() throws {
    let bounded = try Bounded("return function() return 'a' .. 'b' end")
    let result = try bounded.call()
    #expect(result == "ab")
    let depth = bounded.depth
    #expect(depth == 0)
  }

  @Test func `raises an error with its position and traceback`() throws {
    let bounded = try Bounded("return function()\n  local t\n  return t.x\nend")
    let error = #expect(throws: LuaError.self) { try bounded.call() }
    #expect(error?.message == "rsp.lua:3: attempt to index local 't' (a nil value)")
    #expect(error?.traceback?.contains("rsp.lua:3: in function") == true)
    let depth = bounded.depth
    #expect(depth == 0)
  }

  @Test func `may execute as many instructions as its budget, and not one more`() throws {
    let bounded = try Bounded(
      "return function() local n = 0 for i = 1, 500 do n = n + i end return n end")
    var least = 1
    while least < 10_000, bounded.failure(budget: least) != nil { least += 1 }
    // Two instructions a round, and a few around the loop.
    #expect((1000...1010).contains(least))
    let short = bounded.failure(budget: least - 1)
    #expect(short?.contains("more than \(least - 1) ins") == true)
    let enough = bounded.failure(budget: least)
    #expect(enough == nil)
  }

  @Test func `gets the whole budget again after one that used it up`() throws {
    let bounded = try Bounded(
      "local n = 0 return function() n = n + 1 if n == 1 then while true do end end return n end")
    let first = bounded.failure()
    #expect(first != nil)
    let second = try bounded.call()
    #expect(second == "2.0")
  }

  @Test(arguments: [
    "while true do end",
    "repeat until false",
    "for i = 1, math.huge do end",
    "::again:: goto again",
    "local function f() return f() end return f()",
    // Caught, and caught again.
    "while true do pcall(function() while true do end end) end",
    "return pcall(function() while true do end end)",
    "return xpcall(function() while true do end end, function() while true do end end)",
    "while true do xpcall(error, function() while true do end end) end",
    // Where other code runs.
    "return coroutine.wrap(function() while true do end end)()",
    "while true do pcall(coroutine.wrap(function() while true do end end)) end",
    "return coroutine.resume(coroutine.create(function() while true do end end))",
    "return setmetatable({}, { __index = function() while true do end end }).x",
    "return ('x'):gsub('x', function() while true do end end)",
    "return table.sort({ 1, 2, 3 }, function() while true do end end)",
    "return tostring(setmetatable({}, { __tostring = function() while true do end end }))",
    "return load(function() while true do end end)",
    "error(setmetatable({}, { __tostring = function() while true do end end }))",
    "return load('while true do end')()",
  ])
  func `ends`(source: String) throws {
    let bounded = try Bounded("return function()\n\(source)\nend")
    let message = bounded.failure(budget: 1000) ?? ""
    #expect(message.hasSuffix(overBudget) || message.contains("error in error handling"))
    let depth = bounded.depth
    #expect(depth == 0)
  }

  @Test func `that does not end names file and line`() throws {
    let bounded = try Bounded(
      "return function()\n  local n = 0\n  while true do n = n + 1 end\nend")
    let message = bounded.failure(budget: 1000)
    #expect(message == "rsp.lua:3: \(overBudget)")
  }

  @Test func `has no finaliser, which no hook could end`() throws {
    let bounded = try Bounded(
      "return function() return tostring(newproxy) .. tostring(pcall(require, 'ffi')) end")
    let result = try bounded.call()
    #expect(result == "nilfalse")
    let other = try Bounded("local out = io.stdout return function() return getmetatable(out) end")
    let metatable = try other.call()
    #expect(metatable == "false")
  }
}

@Suite struct `A bounded call's memory` {
  private static func allocating(_ bytes: Int) -> String {
    "return function() return #string.rep('x', \(bytes)) end"
  }

  @Test func `is limited to what a call may allocate`() throws {
    var limits = LuaLimits()
    limits.callBytes = 1 << 20
    let small = try Bounded(Self.allocating(400_000), limits).call()
    #expect(small == "400000.0")
    let large = try Bounded(Self.allocating(2 << 20), limits).failure()
    #expect(large == "not enough memory")
  }

  @Test(arguments: [
    "return ('x'):rep(1e9)",
    "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
    "local s = 'x' while true do s = s .. s end",
    "local t = {} for i = 1, 1e9 do t = { t, t } end",
    "return table.concat({ ('x'):rep(1e7), ('x'):rep(1e7), ('x'):rep(1e7), ('x'):rep(1e7) })",
    "for i = 1, 1e9 do local s = ('x'):rep(1e6) .. i end",
  ])
  func `is an error, and the state can be used again`(source: String) throws {
    let bounded = try Bounded(
      "local n = 0 return function() n = n + 1 if n == 1 then \(source) end return n end")
    let first = bounded.failure(budget: 100_000_000)
    #expect(first?.contains("not enough memory") == true)
    let second = try bounded.call()
    #expect(second == "2.0")
  }

  @Test func `that is kept from call to call is limited, too`() throws {
    var limits = LuaLimits()
    limits.stateBytes = 1 << 20
    let bounded = try Bounded(
      "local t = {} return function() t[#t + 1] = ('x'):rep(1000) .. #t return #t end", limits)
    var calls = 0
    while calls < 2000, bounded.failure() == nil { calls += 1 }
    #expect((500..<1024).contains(calls))
    let held = bounded.lua.bytesHeld
    #expect(held < 4 << 20)
  }

  @Test(arguments: [
    "local function f() return (('x'):gsub('.', f)) end return f()",
    "local function f() pcall(string.gsub, 'x', '.', f) return f() + f() end return f()",
    "local function f() return (table.sort({ 1, 2, 3 }, f)) end return f()",
    "local function f() return coroutine.wrap(f)() end return f()",
    "local t = setmetatable({}, { __tostring = tostring }) return tostring(t)",
    "local function f() return f() + 1 end return f()",
    "local f = print0 for i = 1, 1e6 do f = coroutine.wrap(f or error) end return f()",
  ])
  func `on the C stack is limited`(source: String) throws {
    let bounded = try Bounded("return function() \(source) end")
    let message = bounded.failure()
    #expect(message != nil)
  }
}

@Suite struct `A bounded call's time` {
  @Test func `is limited where instructions take long`() throws {
    var limits = LuaLimits()
    limits.milliseconds = 20
    let bounded = try Bounded(
      """
      local s = ("a"):rep(1e6)
      return function() for i = 1, 1e9 do s:find("b", 1, true) end end
      """, limits)
    let message = bounded.failure(budget: 1 << 40)
    #expect(message?.hasSuffix("run for more than 20 ms") == true)
  }
}

@Suite struct `Loading a program` {
  @Test(arguments: [
    "while true do end", "while true do pcall(function() while true do end end) end",
    "coroutine.wrap(function() while true do end end)()",
  ])
  func `that never ends is ended`(program: String) throws {
    let lua = try LuaState(limits: LuaLimits())
    try lua.restrict()
    lua.watchLoading(milliseconds: 1000)
    let error = #expect(throws: LuaError.self) { try lua.run(program, name: "rsp.lua") }
    #expect(error?.message.contains("rsp.lua:1: the program has run for more than 1 s") == true)
  }
}
