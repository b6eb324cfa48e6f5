// Swift functions and objects in Lua's hands. Lua calls C (the trampoline in CShims), C calls
// Swift, Swift returns a count or a message, and only then does C raise: no longjmp crosses Swift.
import CLuaJIT
import CShims

/// A Swift function for Lua to call. Its arguments are what is on the stack; it pushes its results
/// and returns how many they are. What it throws is raised in Lua with the caller's position.
package typealias LuaFunction = (borrowing LuaStack) throws(LuaError) -> Int

/// Where in a Lua program a statement stands.
package struct LuaLocation: Hashable, Sendable, CustomStringConvertible {
  /// The chunk's name as Lua's messages show it, shortened when it is long.
  package var source: String
  /// Counted from 1.
  package var line: Int

  package init(source: String, line: Int) {
    self.source = source
    self.line = line
  }

  package var description: String { "\(source):\(line)" }
}

private final class FunctionBox {
  let function: LuaFunction
  init(_ function: @escaping LuaFunction) { self.function = function }
}

extension LuaStack {
  // SAFETY: `pointer` is a live thread by init's contract. A context is an object that Lua holds
  // one reference to: taken before the push, released by `releaseContext` when Lua collects it, or
  // here when the push fails.

  /// Pushes a Swift function; Lua keeps it alive.
  package func push(function: @escaping LuaFunction) throws(LuaError) {
    let context = unsafe Unmanaged.passRetained(FunctionBox(function))
    let status = unsafe rsp_lua_push_function(
      pointer, callFunction, releaseContext, context.toOpaque())
    if status != 0 { unsafe context.release() }
    try check(status)
  }

  /// Pushes a Swift object, which Lua keeps alive and can only hand around.
  package func push(object: AnyObject) throws(LuaError) {
    let context = unsafe Unmanaged.passRetained(object)
    let status = unsafe rsp_lua_push_object(pointer, releaseContext, context.toOpaque())
    if status != 0 { unsafe context.release() }
    try check(status)
  }

  /// The object at `index`; nil when something else is there.
  package func object(at index: Int) -> AnyObject? {
    guard let context = unsafe rsp_lua_object(pointer, Int32(index)) else { return nil }
    return unsafe Unmanaged<AnyObject>.fromOpaque(context).takeUnretainedValue()
  }

  /// Where the Lua code stands that called the running Swift function; nil when no Lua code did.
  package var caller: LuaLocation? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(LUA_IDSIZE)) { source in
      guard let start = source.baseAddress else { return nil }
      let line = unsafe rsp_lua_caller(pointer, start)
      guard line > 0 else { return nil }
      return unsafe LuaLocation(source: String(cString: start), line: Int(line))
    }
  }
}

/// What the C trampoline calls.
private func callFunction(_ context: UnsafeMutableRawPointer, _ thread: OpaquePointer) -> Int32 {
  // SAFETY: the box is alive while its function is being called, since the function is on Lua's
  // stack; the thread is alive for the length of the call, and the view does not leave it.
  let box = unsafe Unmanaged<FunctionBox>.fromOpaque(context).takeUnretainedValue()
  let stack = unsafe LuaStack(thread)
  do {
    return Int32(try box.function(stack))
  } catch {
    // If even this push fails, Lua's error value is on the top and is raised in its place.
    try? stack.push(error.message)
    return Int32(RSP_LUA_RAISE)
  }
}

private func releaseContext(_ context: UnsafeMutableRawPointer) {
  // SAFETY: Lua held one reference and gives it up with this call.
  unsafe Unmanaged<AnyObject>.fromOpaque(context).release()
}
