// The owner of a LuaJIT virtual machine. It opens and closes it and runs chunks; everything that
// works on values is in LuaStack, which is also what a Swift function called by Lua is given.
import CLuaJIT
import CShims

/// A Lua virtual machine with its standard libraries; closed when the value ends.
///
/// Worker-confined: a state and everything taken from it stay on one thread.
@safe
package struct LuaState: ~Copyable {
  private let pointer: OpaquePointer

  /// Opens a state.
  /// - Throws: when there is no memory for it.
  package init() throws(LuaError) {
    // SAFETY: the state is checked, and owned by this value alone.
    guard let pointer = unsafe rsp_lua_open() else { throw .outOfMemory }
    unsafe self.pointer = unsafe pointer
  }

  /// Opens a state whose functions are called for requests: the limits hold from `seal` on.
  /// - Throws: when there is no memory for it.
  package init(limits: LuaLimits) throws(LuaError) {
    // SAFETY: as above.
    guard let pointer = unsafe rsp_lua_open_bounded(limits.shim) else { throw .outOfMemory }
    unsafe self.pointer = unsafe pointer
  }

  deinit {
    // SAFETY: the stack views of this state cannot outlive it, so nothing uses it after this.
    unsafe rsp_lua_close(pointer)
  }

  /// Closes the state. Finalisers run; Swift functions and objects that Lua held are released.
  package consuming func close() {}

  /// The values of the main thread.
  package var stack: LuaStack {
    @_lifetime(borrow self)
    borrowing get {
      // SAFETY: the view borrows self, which keeps the state open.
      unsafe _overrideLifetime(LuaStack(pointer), borrowing: self)
    }
  }

  /// Runs a file of Lua source; its results are dropped.
  /// - Throws: `cannot open PATH: REASON`, a syntax error, or what the chunk raises.
  package borrowing func run(file path: String) throws(LuaError) {
    try stack.load(file: path)
    try stack.call(arguments: 0, results: 0)
  }

  /// Runs Lua source; its results are dropped.
  /// - Parameter name: what messages call the source, without quotes around it.
  package borrowing func run(_ source: String, name: String = "chunk") throws(LuaError) {
    try stack.load(source, name: name)
    try stack.call(arguments: 0, results: 0)
  }

  /// Lets `require` find modules in `folder` before anywhere else.
  package borrowing func addModules(inFolder folder: String) throws(LuaError) {
    let stack = stack
    try stack.pushGlobal("package")
    try stack.pushField("path", of: -1)
    let rest = stack.string(at: -1).map { ";" + $0 } ?? ""
    stack.pop(1)
    try stack.push("\(folder)/?.lua;\(folder)/?/init.lua" + rest)
    try stack.setField("path", of: -2)
    stack.pop(1)
  }
}
