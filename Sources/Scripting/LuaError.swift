// An error raised by Lua, as a Swift value: Lua raises by longjmp, which ends in the C of CShims,
// and what arrives here is the message and where it happened.

/// What went wrong in a chunk, in its compilation, or in an operation on a Lua state.
package struct LuaError: Error, Equatable, Sendable {
  /// Lua's own message, with the position it starts with: `rsp.lua:3: unexpected symbol near '='`.
  package var message: String
  /// The calls that led to it, as `debug.traceback` writes them; for the log, never for a client.
  package var traceback: String?

  package init(_ message: String, traceback: String? = nil) {
    self.message = message
    self.traceback = traceback
  }

  static let outOfMemory = LuaError("not enough memory")
}
