// Copying values out of Lua.
import Testing

@testable import Scripting

@Suite struct `A value copied out of Lua` {
  private func value(_ source: String) throws -> LuaValue {
    let lua = try LuaState()
    try lua.run("value = " + source)
    try lua.stack.pushGlobal("value")
    let value = try lua.stack.value(at: -1)
    #expect(lua.stack.count == 1)
    return value
  }

  @Test func `a table is split into elements, fields and other keys`() throws {
    let read = try value(
      "{ 'a', 2, true, b = { c = 'deep' }, a = function() end, [5] = 'h', [0.5] = 1, [true] = 1 }")
    guard case .table(let table) = read else {
      Issue.record("not a table")
      return
    }
    #expect(table.elements.map(\.typeDescription) == ["a string", "a number", "true"])
    #expect(table.fields.map(\.name) == ["a", "b"])
    #expect(table.otherKeys == ["[0.5]", "[5]", "[boolean]"])
    #expect(table.numbered.map(\.key) == [5])
    guard case .table(let inner)? = table["b"], case .string("deep")? = inner["c"] else {
      Issue.record("the inner table is lost")
      return
    }
    guard case .function? = table["a"] else {
      Issue.record("the function is lost")
      return
    }
  }

  @Test func `a library's function is told from one written in Lua`() throws {
    guard case .other(.function) = try value("string.rep") else {
      Issue.record("taken for a function of the program")
      return
    }
  }

  @Test func `a string that is not UTF-8 keeps its bytes`() throws {
    guard case .bytes(let bytes) = try value(#"'a\255'"#) else {
      Issue.record("not bytes")
      return
    }
    #expect(bytes == [0x61, 0xFF])
  }

  @Test func `tables may be nested 16 deep and no deeper`() throws {
    let nest = { (depth: Int) in
      String(repeating: "{", count: depth) + String(repeating: "}", count: depth)
    }
    _ = try value(nest(16))
    #expect(throws: LuaError.self) { _ = try value(nest(17)) }
  }

  @Test func `a table that contains itself is an error and the stack is left clean`() throws {
    let lua = try LuaState()
    try lua.run("loop = {}; loop.next = loop; list = {}; list[1] = list")
    for name in ["loop", "list"] {
      try lua.stack.pushGlobal(name)
      #expect(throws: LuaError.self) { _ = try lua.stack.value(at: -1) }
      #expect(lua.stack.count == 1)
      lua.stack.pop(1)
    }
  }
}
