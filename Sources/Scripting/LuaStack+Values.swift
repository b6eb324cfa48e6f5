// Copying whole values out of Lua, tables with all they hold.
import CLuaJIT
import CShims

extension LuaStack {
  /// How deep tables may be nested in a value that is read: a table may contain itself.
  package static var deepestNesting: Int { 16 }

  /// Copies the value at `index`. Tables are read raw, without metamethods.
  /// - Parameter keepingFunctions: whether a reference is made to each function that is met.
  /// - Throws: when tables are nested deeper than `deepestNesting`.
  package func value(
    at index: Int, depth: Int = 0, keepingFunctions: Bool = false
  ) throws(LuaError) -> LuaValue {
    switch type(at: index) {
    case .nil: return .nil
    case .boolean: return .boolean(boolean(at: index) ?? false)
    case .number: return .number(number(at: index) ?? 0)
    case .string:
      if let text = string(at: index) { return .string(text) }
      return .bytes(bytes(at: index) ?? [])
    case .table: return .table(try table(at: index, depth: depth, keepingFunctions))
    case .function:
      // SAFETY: `pointer` is a live thread, and there is a value at `index`.
      if unsafe lua_iscfunction(pointer, Int32(index)) != 0 { return .other(.function) }
      guard keepingFunctions else { return .function(nil) }
      try reserve(1)
      pushCopy(of: index)
      return .function(try makeReference())
    case let type:
      return object(at: index).map { .object($0) } ?? .other(type)
    }
  }

  private func table(
    at index: Int, depth: Int, _ keepingFunctions: Bool
  ) throws(LuaError) -> LuaTable {
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
      result.elements.append(
        try value(at: -1, depth: depth + 1, keepingFunctions: keepingFunctions))
    }
    pushNil()
    while unsafe lua_next(pointer, Int32(table)) != 0 {
      do {
        try add(fieldOf: depth, to: &result, keepingFunctions)
      } catch {
        pop(2)
        throw error
      }
      pop(1)
    }
    if result.fields.count > 1 { result.fields.sort { $0.name < $1.name } }
    result.numbered.sort { $0.key < $1.key }
    result.otherKeys.sort()
    return result
  }

  /// Adds the key and value on the top of the stack, unless it is an element that is there already.
  private func add(
    fieldOf depth: Int, to table: inout LuaTable, _ keepingFunctions: Bool
  ) throws(LuaError) {
    func value() throws(LuaError) -> LuaValue {
      try self.value(at: -1, depth: depth + 1, keepingFunctions: keepingFunctions)
    }
    if let name = string(at: -2) {
      table.fields.append((name, try value()))
    } else if let number = number(at: -2) {
      if let key = Int(exactly: number) {
        guard key < 1 || key > table.elements.count else { return }
        table.numbered.append((key, try value()))
        table.otherKeys.append("[\(key)]")
      } else {
        table.otherKeys.append("[\(number)]")
      }
    } else {
      table.otherKeys.append("[\(type(at: -2).rawValue)]")
    }
  }
}
