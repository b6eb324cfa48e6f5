// Calling Lua functions for requests: within limits, in a state that keeps nothing in globals from
// one call to the next.
import CLuaJIT
import CShims

extension LuaState {
  // SAFETY: `stack.pointer` is this state's main thread, which self keeps open.

  /// Has what runs from here on end with an error after so much processor time, so that an endless
  /// loop in a configuration does not end reloads for good. For states with limits only; the first
  /// `call` has limits of its own.
  package borrowing func watchLoading(milliseconds: Int) {
    unsafe rsp_lua_watch_loading(stack.pointer, milliseconds)
  }

  /// Ends the time of loading: from here on the limits hold, globals and libraries cannot be
  /// changed, and what reaches files, processes and code is not there any more. Once, and only in a
  /// bounded state after `restrict`.
  package borrowing func seal() throws(LuaError) {
    try stack.pushGlobal(Restrictions.sealName)
    try stack.call(arguments: 0, results: 0)
    unsafe rsp_lua_seal(stack.pointer)
  }

  /// Calls a function with one argument and pushes its one result, `nil` if it has none.
  ///
  /// The limits hold also for what the function catches with `pcall`: a call that has passed one
  /// fails. For states with limits only.
  /// - Parameter budget: how many Lua instructions may be executed.
  /// - Throws: what the function raises, with a traceback.
  package borrowing func call(
    _ function: LuaReference, _ argument: LuaReference, budget: Int
  ) throws(LuaError) {
    let stack = stack
    let status = unsafe rsp_lua_call_bounded(
      stack.pointer, function.slot, argument.slot, Int(clamping: budget))
    if status != 0 { throw stack.takeError(status) }
  }

  /// Bytes of memory that a bounded state holds.
  package var bytesHeld: Int { unsafe Int(rsp_lua_held(stack.pointer)) }
}

extension LuaStack {
  /// Where the function at `index` is defined; nil for a function that is not written in Lua.
  package func definition(at index: Int) -> LuaLocation? {
    guard type(at: index) == .function else { return nil }
    pushCopy(of: index)
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(LUA_IDSIZE)) {
      source in
      // SAFETY: a function is on the top, and the buffer has the size that is asked for.
      guard let start = source.baseAddress else { return nil }
      let line = unsafe rsp_lua_definition(pointer, start)
      guard line > 0 else { return nil }
      return unsafe LuaLocation(source: String(cString: start), line: Int(line))
    }
  }
}
