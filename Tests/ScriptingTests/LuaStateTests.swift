// Running chunks, calling functions and reading values, and what happens when Lua raises.
import Testing

@testable import Scripting

@Suite struct `A Lua state` {
  @Test func `runs source and shows its globals`() throws {
    let lua = try LuaState()
    try lua.run("answer = 6 * 7; name = 'rsp'; on = true")
    try lua.stack.pushGlobal("answer")
    #expect(lua.stack.number(at: -1) == 42)
    try lua.stack.pushGlobal("name")
    #expect(lua.stack.string(at: -1) == "rsp")
    try lua.stack.pushGlobal("on")
    #expect(lua.stack.boolean(at: -1) == true)
    #expect(lua.stack.count == 3)
  }

  @Test func `closing runs the finalisers`() throws {
    final class Flag { var isSet = false }
    let flag = Flag()
    func prepare(_ lua: borrowing LuaState) throws {
      try lua.stack.push(function: { _ throws(LuaError) in
        flag.isSet = true
        return 0
      })
      try lua.stack.setGlobal("finish")
      try lua.run("proxy = newproxy(true); getmetatable(proxy).__gc = finish")
    }
    let lua = try LuaState()
    try prepare(lua)
    #expect(!flag.isSet)
    lua.close()
    #expect(flag.isSet)
  }

  @Test func `reading never converts between numbers and strings`() throws {
    let lua = try LuaState()
    lua.stack.push(8.0)
    try lua.stack.push("8")
    #expect(lua.stack.string(at: 1) == nil)
    #expect(lua.stack.number(at: 2) == nil)
    #expect(lua.stack.type(at: 1) == .number)
  }

  @Test func `a file that does not exist is named with the reason`() throws {
    let lua = try LuaState()
    let error = #expect(throws: LuaError.self) { try lua.run(file: "/nonexistent/rsp.lua") }
    #expect(error?.message == "cannot open /nonexistent/rsp.lua: No such file or directory")
    #expect(lua.stack.count == 0)
  }

  @Test func `a syntax error is Lua's own message`() throws {
    let lua = try LuaState()
    let error = #expect(throws: LuaError.self) {
      try lua.run("x = 1\ny = 2\nlisten = = 3", name: "rsp.lua")
    }
    #expect(error?.message == "rsp.lua:3: unexpected symbol near '='")
  }

  @Test func `a runtime error has a message and a traceback`() throws {
    let lua = try LuaState()
    let error = #expect(throws: LuaError.self) {
      try lua.run("local function f() return nothing.field end\nf()", name: "rsp.lua")
    }
    #expect(error?.message == "rsp.lua:1: attempt to index global 'nothing' (a nil value)")
    #expect(error?.traceback?.contains("rsp.lua:2:") == true)
    #expect(lua.stack.count == 0)
  }

  @Test(arguments: [
    ("error()", "nil"), ("error({})", "table"), ("error(true)", "boolean"),
  ])
  func `an error value that is no string is described`(source: String, type: String) throws {
    let lua = try LuaState()
    let error = #expect(throws: LuaError.self) { try lua.run(source) }
    #expect(error?.message == "(error object is a \(type) value)")
  }

  @Test func `an error value that can describe itself does`() throws {
    let lua = try LuaState()
    let error = #expect(throws: LuaError.self) {
      try lua.run("error(setmetatable({}, { __tostring = function() return 'mine' end }))")
    }
    #expect(error?.message == "mine")
  }

  @Test func `an error in a metamethod of a global does not pass Swift`() throws {
    let lua = try LuaState()
    try lua.run(
      "setmetatable(_G, { __index = function(_, name) error('no ' .. name, 0) end })")
    let error = #expect(throws: LuaError.self) { try lua.stack.pushGlobal("ghost") }
    #expect(error?.message == "no ghost")
    #expect(lua.stack.count == 0)
  }

  @Test func `an error value of a metamethod may be a table`() throws {
    let lua = try LuaState()
    try lua.run("setmetatable(_G, { __newindex = function() error({}) end })")
    lua.stack.push(1)
    let error = #expect(throws: LuaError.self) { try lua.stack.setGlobal("new") }
    #expect(error?.message == "(error object is a table value)")
    #expect(lua.stack.count == 0)
  }

  @Test func `an error without a traceback does not show that of an earlier one`() throws {
    let lua = try LuaState()
    #expect(throws: LuaError.self) { try lua.run("error('first')") }
    let error = #expect(throws: LuaError.self) { try lua.run("= second") }
    #expect(error?.traceback == nil)
  }

  @Test func `endless recursion is an error`() throws {
    let lua = try LuaState()
    let error = #expect(throws: LuaError.self) {
      try lua.run("local function f() return 1 + f() end f()")
    }
    #expect(error?.message.contains("stack overflow") == true)
    try lua.run("after = true")
  }

  @Test func `bytecode is refused`() throws {
    let lua = try LuaState()
    #expect(throws: LuaError.self) { try lua.run("\u{1B}LJ\u{02}") }
  }

  @Test func `a function is kept by reference and called`() throws {
    let lua = try LuaState()
    try lua.run("function add(a, b) return a + b, 'done' end")
    try lua.stack.pushGlobal("add")
    let add = try lua.stack.makeReference()
    try lua.run("add = nil; collectgarbage()")
    lua.stack.push(add)
    lua.stack.push(2)
    lua.stack.push(3)
    try lua.stack.call(arguments: 2, results: 2)
    #expect(lua.stack.number(at: -2) == 5)
    #expect(lua.stack.string(at: -1) == "done")
    lua.stack.pop(2)
    lua.stack.release(add)
    #expect(lua.stack.count == 0)
  }

  @Test func `require finds modules in an added folder first`() throws {
    let lua = try LuaState()
    try lua.addModules(inFolder: "/etc/rsp")
    try lua.run("first = package.path:sub(1, 38)")
    try lua.stack.pushGlobal("first")
    #expect(lua.stack.string(at: -1) == "/etc/rsp/?.lua;/etc/rsp/?/init.lua;./?")
  }
}
