// Files for tests, by Lua's io library, which is at hand and needs no pointers.
import Scripting

/// Runs a Lua function of strings.
func lua(_ function: String, _ arguments: String...) throws -> String {
  let lua = try LuaState()
  try lua.run("function f(...) \(function) end")
  try lua.stack.pushGlobal("f")
  for argument in arguments { try lua.stack.push(argument) }
  try lua.stack.call(arguments: arguments.count, results: 1)
  return lua.stack.string(at: -1) ?? ""
}

enum TextFile {
  static func read(_ path: String) throws -> String {
    try lua("local file = assert(io.open(...)) return file:read('*a')", path)
  }

  static func write(_ text: String, to path: String) throws {
    _ = try lua(
      "local path, text = ... local f = assert(io.open(path, 'w')) f:write(text) f:close()",
      path, text)
  }

  /// Runs `body` with the path of a new folder, which is removed afterwards.
  static func withFolder(_ body: (String) throws -> Void) throws {
    let folder = try lua(
      "local name = os.tmpname() os.remove(name) os.execute('mkdir ' .. name) return name")
    defer { _ = try? lua("os.execute('rm -r ' .. ...)", folder) }
    try body(folder)
  }
}
