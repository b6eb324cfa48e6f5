// Copying whole values out of Lua, tables with all they hold.
import CLuaJIT
import CShims

extension LuaStack {
  /// How deep tables may be nested in a value that is read: a table may contain itself.
  package static var deepestNesting: Int { 16 }

  /// Copies the value at `index`. Tables are read raw, without metamethods.
  /// - Throws: when tables are nested deeper than `deepestNesting`.
  package func value(at index: Int, depth: Int = 0) throws(LuaError) -> LuaValue {
    switch type(at: index) {
    case .nil: return .nil
    case .boolean: return .boolean(boolean(at: index) ?? false)
    case .number: return .number(number(at: index) ?? 0)
    case .string:
      let bytes = bytes(at: index) ?? []
      return String(validating: bytes, as: UTF8.self).map { .string($0) } ?? .bytes(bytes)
    case .table: return .table(try table(at: index, depth: depth))
    case .function: return .function
    case let type:
      return object(at: index).map { .object($0) } ?? .other(type)
    }
  }

  private func table(at index: Int, depth: Int) throws(LuaError) -> LuaTable {
    guard depth < Self.deepestNesting else {
      throw LuaError("tables are nested deeper than \(Self.deepestNesting) levels")
    }
    try reserve(8)
    // SAFETY: `pointer` is a live thread, and lua_next gets only keys that it gave itself.
    let table = index > 0 ? index : count + index + 1
    var result = LuaTable()
    while true {
      unsafe lua_rawgeti(pointer, Int32(table), Int32(result.elements.count + 1))
      defer { pop(1) }
      if type(at: -1) == .nil { break }
      result.elements.append(try value(at: -1, depth: depth + 1))
    }
    pushNil()
    while unsafe lua_next(pointer, Int32(table)) != 0 {
      do {
        try add(fieldOf: depth, to: &result)
      } catch {
        pop(2)
        throw error
      }
      pop(1)
    }
    result.fields.sort { $0.name < $1.name }
    result.otherKeys.sort()
    return result
  }

  /// Adds the key and value on the top of the stack, unless it is an element that is there already.
  private func add(fieldOf depth: Int, to table: inout LuaTable) throws(LuaError) {
    if let name = string(at: -2) {
      table.fields.append((name, try value(at: -1, depth: depth + 1)))
    } else if let number = number(at: -2) {
      if let key = Int(exactly: number) {
        if key < 1 || key > table.elements.count { table.otherKeys.append("[\(key)]") }
      } else {
        table.otherKeys.append("[\(number)]")
      }
    } else {
      table.otherKeys.append("[\(type(at: -2).rawValue)]")
    }
  }
}
