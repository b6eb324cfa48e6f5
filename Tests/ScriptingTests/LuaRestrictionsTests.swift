// What Lua programs find in a restricted state: while they are loaded, and in requests.
import Testing

@testable import Scripting

@Suite struct `A sealed state` {
  @Test(arguments: [
    "os", "io", "debug", "package", "dofile", "loadfile", "module", "setfenv", "getfenv", "print",
    "newproxy", "ffi", "string.dump",
  ])
  func `lacks`(name: String) throws {
    let bounded = try Bounded("return function() return \(name) end")
    let result = try bounded.call()
    #expect(result == nil)
  }

  @Test(arguments: [
    ("local f = os.execute", "f('true')"), ("local f = io.open", "f('/dev/null')"),
    ("local f = dofile", "f('/dev/null')"), ("local f = loadfile", "f('/dev/null')"),
    ("local f = setfenv", "f(1, {})"), ("local out = io.stdout", "out:write('x')"),
    ("local os = os", "os.remove('/nowhere/x')"), ("local f = module", "f('m')"),
  ])
  func `does not do what was kept while loading`(kept: String, call: String) throws {
    let bounded = try Bounded("\(kept) return function() \(call) end")
    let message = bounded.failure()
    #expect(message?.hasSuffix("cannot be called in a request") == true)
  }

  @Test func `allows the environment and the time to be read while loading`() throws {
    let bounded = try Bounded(
      "local path = os.getenv('PATH') os.time() return function() return type(path) end")
    let result = try bounded.call()
    #expect(result == "string")
  }

  @Test(arguments: [
    "load('\\27LJ\\2')", "loadstring('\\27LJ\\2')", "load('\\27LJ\\2', 'x', 'b')",
    "load(function() local s = code code = nil return s end, 'x', 'bt')",
  ])
  func `takes no bytecode`(load: String) throws {
    let bounded = try Bounded(
      """
      return function()
        local code = '\\27LJ\\2'
        return (select(2, \(load)))
      end
      """)
    let message = try bounded.call()
    #expect(message?.hasSuffix("attempt to load chunk with wrong mode") == true)
  }

  @Test(arguments: [
    "leaked = 1", "_G.leaked = 1", "rawset(_G, 'leaked', 1)", "string.leaked = 1",
    "rawset(math, 'leaked', 1)", "table.insert = nil", "getmetatable('').__index = nil",
    "getmetatable(_G).__newindex = nil", "setmetatable(_G, nil)", "function leaked() end",
    "load('leaked = 1')()", "require('string').leaked = 1",
  ])
  func `refuses what would outlive the request`(assignment: String) throws {
    let bounded = try Bounded("return function() \(assignment) end")
    let message = bounded.failure()
    #expect(message != nil)
  }

  @Test func `lets globals be set while loading, and read in requests`() throws {
    let bounded = try Bounded(
      """
      a = 1
      rawset(_G, "b", 2)
      _G.c = 3
      function string.d() return 4 end
      return function() return a + rawget(_G, "b") + c + string.d() + ("").d() end
      """)
    let result = try bounded.call()
    #expect(result == "14.0")
  }

  @Test func `loads no code natively, and has no memory access`() throws {
    let bounded = try Bounded(
      """
      local results = { tostring(package.loadlib), tostring(pcall(require, "ffi")),
        tostring(pcall(require, "jit.util")), tostring(pcall(require, "string.buffer")) }
      local number = 1LL
      results[5] = tostring(pcall(require, "ffi"))
      return function() return table.concat(results, " ") end
      """)
    let result = try bounded.call()
    #expect(result == "nil false false false false")
  }
}
