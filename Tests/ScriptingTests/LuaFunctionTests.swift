// Swift functions and objects in Lua: arguments, results, errors, and that nothing leaks.
import Testing

@testable import Scripting

/// Counts how many of it are alive.
private final class Tracked {
  final class Count { var alive = 0 }
  let count: Count
  init(_ count: Count) {
    self.count = count
    count.alive += 1
  }
  deinit { count.alive -= 1 }
}

@Suite struct `A Swift function in Lua` {
  @Test func `gets its arguments and gives results`() throws {
    let lua = try LuaState()
    try lua.stack.push(function: { stack throws(LuaError) in
      let sum = (stack.number(at: 1) ?? 0) + (stack.number(at: 2) ?? 0)
      stack.push(sum)
      try stack.push("of \(stack.count - 1)")
      return 2
    })
    try lua.stack.setGlobal("sum")
    try lua.run("a, b = sum(20, 22)")
    try lua.stack.pushGlobal("a")
    try lua.stack.pushGlobal("b")
    #expect(lua.stack.number(at: 1) == 42)
    #expect(lua.stack.string(at: 2) == "of 2")
  }

  @Test func `an error it throws is raised with the caller's position`() throws {
    let lua = try LuaState()
    try lua.stack.push(function: { _ throws(LuaError) in throw LuaError("refused") })
    try lua.stack.setGlobal("refuse")
    let error = #expect(throws: LuaError.self) { try lua.run("\n\nrefuse()", name: "rsp.lua") }
    #expect(error?.message == "rsp.lua:3: refused")
    try lua.run("ok, message = pcall(refuse)")
    try lua.stack.pushGlobal("message")
    #expect(lua.stack.string(at: -1) == "refused")
  }

  @Test func `a thousand errors leak nothing`() throws {
    let count = Tracked.Count()
    do {
      let lua = try LuaState()
      try lua.stack.push(function: { _ throws(LuaError) in
        let local = Tracked(count)
        throw LuaError("refused while \(local.count.alive) is alive")
      })
      try lua.stack.setGlobal("refuse")
      try lua.run("for i = 1, 1000 do pcall(refuse) end")
      #expect(count.alive == 0)
    }
  }

  @Test func `what Lua collects is released, and closing releases the rest`() throws {
    let count = Tracked.Count()
    let captured = Tracked(count)
    do {
      let lua = try LuaState()
      try lua.stack.push(object: Tracked(count))
      try lua.stack.setGlobal("kept")
      try lua.stack.push(function: { _ throws(LuaError) in captured.count.alive })
      try lua.stack.push(object: Tracked(count))
      #expect(count.alive == 3)
      lua.stack.pop(2)
      try lua.run("collectgarbage() collectgarbage()")
      #expect(count.alive == 2)
    }
    #expect(count.alive == 1)
    withExtendedLifetime(captured) {}
  }

  @Test func `a finaliser that outlives a function cannot call it`() throws {
    let count = Tracked.Count()
    do {
      let lua = try LuaState()
      // Closing finalises what was made last first: the function before the proxy that calls it.
      try lua.run("proxy = newproxy(true); getmetatable(proxy).__gc = function() late() end")
      let captured = Tracked(count)
      try lua.stack.push(function: { _ throws(LuaError) in
        captured.count.alive += 100
        return 0
      })
      try lua.stack.setGlobal("late")
    }
    #expect(count.alive == 0)
  }

  @Test func `an object comes back as it went in, and nothing else passes for one`() throws {
    let lua = try LuaState()
    let object = Tracked(Tracked.Count())
    try lua.stack.push(object: object)
    #expect(lua.stack.object(at: -1) === object)
    try lua.run("file = io.stdout; meta = getmetatable(kept)")
    try lua.stack.pushGlobal("file")
    #expect(lua.stack.object(at: -1) == nil)
    lua.stack.push(1)
    #expect(lua.stack.object(at: -1) == nil)
  }

  @Test func `a script cannot reach the metatable of an object`() throws {
    let lua = try LuaState()
    try lua.stack.push(object: Tracked(Tracked.Count()))
    try lua.stack.setGlobal("object")
    try lua.run("found = getmetatable(object)")
    try lua.stack.pushGlobal("found")
    #expect(lua.stack.boolean(at: -1) == false)
  }

  @Test func `knows the line it was called from, through C functions too`() throws {
    let lua = try LuaState()
    try lua.stack.push(function: { stack throws(LuaError) in
      try stack.push(stack.caller?.description ?? "nowhere")
      return 1
    })
    lua.stack.pushCopy(of: -1)
    try lua.stack.setGlobal("here")
    try lua.run("\nfirst = here()\n_, second = pcall(here)", name: "rsp.lua")
    try lua.stack.pushGlobal("first")
    #expect(lua.stack.string(at: -1) == "rsp.lua:2")
    try lua.stack.pushGlobal("second")
    #expect(lua.stack.string(at: -1) == "rsp.lua:3")
    lua.stack.pop(2)
    try lua.stack.call(arguments: 0, results: 1)
    #expect(lua.stack.string(at: -1) == "nowhere")
  }
}
