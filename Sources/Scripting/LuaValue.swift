// Lua data as plain Swift values: what a configuration or an answer is read into, so that the code
// which judges it touches no Lua stack.

/// A Lua value that has been copied out of its state.
package enum LuaValue {
  case `nil`
  case boolean(Bool)
  case number(Double)
  case string(String)
  /// A string that is not UTF-8.
  case bytes([UInt8])
  case table(LuaTable)
  /// One written in Lua, with a reference to it where one was asked for.
  case function(LuaReference?)
  /// A Swift object that was pushed with `push(object:)`.
  case object(AnyObject)
  /// A thread, userdata of another library, or a function of ours or of a library.
  case other(LuaType)

  /// Lua's name of the value's type, with the article a message needs: `a table`.
  package var typeDescription: String {
    switch self {
    case .nil: "nil"
    case .boolean(let value): "\(value)"
    case .number: "a number"
    case .string: "a string"
    case .bytes: "a string that is not UTF-8"
    case .table: "a table"
    case .function: "a function"
    case .object: "an object"
    case .other(let type): "a \(type.rawValue)"
    }
  }
}

/// A Lua table that has been copied out of its state, split as tables are used.
package struct LuaTable {
  /// The values of the keys 1, 2, 3 and so on up to the first that is missing.
  package var elements: [LuaValue] = []
  /// The values of string keys, in the order of the names: Lua's own order changes from run to run.
  package var fields: [(name: String, value: LuaValue)] = []
  /// The values of whole numbers that are no element's, such as `[404]`, in their order.
  package var numbered: [(key: Int, value: LuaValue)] = []
  /// The keys that are neither elements nor names, as a message would show them: `[404]`, `[2.5]`,
  /// `[boolean]`.
  package var otherKeys: [String] = []

  package init() {}

  package subscript(name: String) -> LuaValue? {
    fields.first { $0.name == name }?.value
  }
}

/// The types of Lua values; the raw value is Lua's name for it.
package enum LuaType: String, Sendable {
  case `nil`
  case boolean
  case lightUserdata = "light userdata"
  case number
  case string
  case table
  case function
  case userdata
  case thread
  /// A 64-bit integer or pointer of LuaJIT's FFI.
  case cdata

  /// - Parameter code: what `lua_type` gives.
  init(code: Int32) {
    let types: [LuaType] = [
      .nil, .boolean, .lightUserdata, .number, .string, .table, .function, .userdata, .thread,
    ]
    if code < 0 { self = .nil } else { self = code < types.count ? types[Int(code)] : .cdata }
  }
}
