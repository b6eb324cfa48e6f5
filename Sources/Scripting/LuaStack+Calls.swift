// Chunks, calls and references: running Lua from Swift.
import CLuaJIT
import CShims

/// A Lua value that is kept in the registry of its state, so that the collector spares it and it
/// can be pushed again. Given back with `LuaStack.release`, or with the state.
package struct LuaReference: Equatable {
  let slot: Int32
}

extension LuaStack {
  // SAFETY: `pointer` is a live thread by init's contract; C strings are copied by the callee.

  /// Pushes the chunk in a file of Lua source.
  /// - Throws: `cannot open PATH: REASON`, or a syntax error.
  package func load(file path: String) throws(LuaError) {
    try check(unsafe rsp_lua_load_file(pointer, path))
  }

  /// Pushes a chunk made of Lua source, which messages call `name`.
  package func load(_ source: String, name: String) throws(LuaError) {
    var source = source
    let status = source.withUTF8 { bytes -> Int32 in
      guard let start = bytes.baseAddress else {
        return unsafe rsp_lua_load(pointer, "", 0, "=" + name)
      }
      return unsafe rsp_lua_load(pointer, start, bytes.count, "=" + name)
    }
    try check(status)
  }

  /// Pushes the chunk of a file of Lua source whose bytes are at hand. A first line that starts
  /// with `#` is skipped.
  /// - Parameter path: what messages call the file; they show the end of a long one.
  package func load(_ source: [UInt8], file path: String) throws(LuaError) {
    var source = source[...]
    if source.first == 0x23 { source = source.drop { $0 != 0x0a } }
    let status = unsafe source.withUnsafeBytes { bytes in
      let empty: StaticString = ""
      return unsafe rsp_lua_load(
        pointer, bytes.baseAddress ?? UnsafeRawPointer(empty.utf8Start), bytes.count, "@" + path)
    }
    try check(status)
  }

  /// Pops a function and the arguments above it, and pushes its results.
  /// - Throws: what the function raises, with a traceback.
  package func call(arguments: Int, results: Int) throws(LuaError) {
    let status = unsafe rsp_lua_pcall(pointer, Int32(arguments), Int32(results))
    if status != 0 { throw takeError(status) }
  }

  /// Pops the error that a call left, with the traceback that was kept with it.
  func takeError(_ status: Int32) -> LuaError {
    do {
      try check(status)
      return LuaError("no error")
    } catch {
      unsafe rsp_lua_take_traceback(pointer)
      defer { pop(1) }
      return LuaError(error.message, traceback: string(at: -1))
    }
  }

  /// Pops a value and keeps it.
  package func makeReference() throws(LuaError) -> LuaReference {
    var slot: Int32 = 0
    try check(unsafe rsp_lua_reference(pointer, &slot))
    return LuaReference(slot: slot)
  }

  /// Pushes a value that was kept.
  package func push(_ reference: LuaReference) {
    unsafe lua_rawgeti(pointer, rsp_lua_registry(), reference.slot)
  }

  package func release(_ reference: LuaReference) {
    unsafe luaL_unref(pointer, rsp_lua_registry(), reference.slot)
  }
}
