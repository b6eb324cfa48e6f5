// What Lua code that is called for requests may use: a mistake in it fails one request, and neither
// stops its worker nor ends the process.
import CShims

/// The limits of a bounded state. Each value is the most that passes.
package struct LuaLimits: Sendable, Equatable {
  /// Bytes that one call may allocate, those given back meanwhile included.
  package var callBytes = 32 << 20
  /// Bytes that a state may hold beyond what it held when it was sealed.
  package var stateBytes = 64 << 20
  /// Bytes of C stack that one call may use; a thread has 8 MiB.
  package var stackBytes = 512 << 10
  /// Processor time of one call. A second line: the budget of instructions is the first, but one
  /// instruction may call a function of C that has much to do.
  package var milliseconds = 200

  package init() {}

  var shim: rsp_lua_limits {
    rsp_lua_limits(
      call_bytes: callBytes, state_bytes: stateBytes, stack_bytes: stackBytes,
      milliseconds: milliseconds)
  }
}
