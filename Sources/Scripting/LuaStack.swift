// The stack of a Lua thread: how values pass between Swift and Lua. Reading never converts a value
// or raises; what may raise goes through the protected operations of CShims and throws.
import CLuaJIT
import CShims

/// A view of a Lua thread's stack. Indices count from 1 at the bottom, or from -1 at the top.
///
/// Each method says what it pops and pushes. A method that throws leaves the stack as if its
/// arguments had been popped and nothing pushed. The view cannot outlive its state.
@safe
package struct LuaStack: ~Escapable {
  let pointer: OpaquePointer

  /// SAFETY: `pointer` must be a live Lua thread; the caller bounds the view's lifetime.
  @unsafe
  @_lifetime(immortal)
  init(_ pointer: OpaquePointer) {
    unsafe self.pointer = unsafe pointer
  }

  // SAFETY: throughout this type, `pointer` is a live thread by init's contract, and the functions
  // called directly neither raise nor allocate.

  // MARK: Shape

  /// How many values are on the stack; in a Swift function called by Lua, its arguments.
  package var count: Int { unsafe Int(lua_gettop(pointer)) }

  package func pop(_ count: Int) { unsafe lua_settop(pointer, Int32(-count - 1)) }

  /// Pushes a copy of the value at `index`.
  package func pushCopy(of index: Int) { unsafe lua_pushvalue(pointer, Int32(index)) }

  /// Makes room for `count` more values; without it there is room for 20.
  package func reserve(_ count: Int) throws(LuaError) {
    guard unsafe lua_checkstack(pointer, Int32(count)) != 0 else {
      throw LuaError("stack overflow")
    }
  }

  // MARK: Reading

  package func type(at index: Int) -> LuaType {
    unsafe LuaType(code: lua_type(pointer, Int32(index)))
  }

  /// The boolean at `index`; nil when it is of another type.
  package func boolean(at index: Int) -> Bool? {
    guard type(at: index) == .boolean else { return nil }
    return unsafe lua_toboolean(pointer, Int32(index)) != 0
  }

  /// The number at `index`; nil when it is of another type, also for a string that looks like one.
  package func number(at index: Int) -> Double? {
    guard type(at: index) == .number else { return nil }
    return unsafe lua_tonumber(pointer, Int32(index))
  }

  /// The bytes of the string at `index`; nil when it is of another type, also for a number.
  package func bytes(at index: Int) -> [UInt8]? {
    // lua_tolstring would turn a number into a string in place, which allocates.
    guard type(at: index) == .string else { return nil }
    var count = 0
    // SAFETY: the bytes live as long as the string is on the stack, and are copied before that.
    guard let start = unsafe lua_tolstring(pointer, Int32(index), &count) else { return nil }
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// The string at `index`; nil when it is of another type or not UTF-8.
  package func string(at index: Int) -> String? {
    guard type(at: index) == .string else { return nil }
    var count = 0
    // SAFETY: as in `bytes(at:)`.
    guard let start = unsafe lua_tolstring(pointer, Int32(index), &count) else { return nil }
    return unsafe String(
      validating: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
  }

  // MARK: Pushing

  package func pushNil() { unsafe lua_pushnil(pointer) }
  package func push(_ value: Bool) { unsafe lua_pushboolean(pointer, value ? 1 : 0) }
  package func push(_ value: Double) { unsafe lua_pushnumber(pointer, value) }

  package func push(_ value: String) throws(LuaError) {
    var value = value
    let status = value.withUTF8 { bytes in
      // SAFETY: Lua copies the bytes before the call returns.
      unsafe rsp_lua_push_string(pointer, bytes.baseAddress, bytes.count)
    }
    try check(status)
  }

  package func pushTable() throws(LuaError) { try check(unsafe rsp_lua_push_table(pointer)) }

  // MARK: Fields

  /// Pushes the value of a field of the table at `index`. Throws what its metamethod raises.
  package func pushField(_ name: String, of index: Int) throws(LuaError) {
    try check(unsafe rsp_lua_get_field(pointer, Int32(index), name))
  }

  /// Pops a value and stores it as a field of the table at `index`, counted before the pop.
  package func setField(_ name: String, of index: Int) throws(LuaError) {
    try check(unsafe rsp_lua_set_field(pointer, Int32(index), name))
  }

  package func pushGlobal(_ name: String) throws(LuaError) {
    try pushField(name, of: Int(rsp_lua_globals()))
  }

  /// Pops a value and stores it as a global.
  package func setGlobal(_ name: String) throws(LuaError) {
    try setField(name, of: Int(rsp_lua_globals()))
  }

  // MARK: Errors

  /// Throws the error value on the top of the stack, popped, unless `status` is 0.
  func check(_ status: Int32) throws(LuaError) {
    guard status != 0 else { return }
    defer { pop(1) }
    guard let message = bytes(at: -1) else {
      if status == LUA_ERRMEM { throw .outOfMemory }
      throw LuaError("(error object is a \(type(at: -1).rawValue) value)")
    }
    throw LuaError(String(decoding: message, as: UTF8.self))
  }
}
