// What Lua programs find in a state of ours instead of LuaJIT's libraries as they are. It is written
// in Lua, and runs before anything else.
import CLuaJIT
import CShims

enum Restrictions {
  /// The global that ends loading; the program that is loaded never sees it.
  static let sealName = "rsp seal"

  /// Two times: while a configuration is loaded it may read files, the environment and modules;
  /// after `seal`, in requests, it may not, also not by a function that it has kept.
  ///
  /// - `_G` and the libraries are empty tables in front of the real ones, so that each assignment to
  ///   them is noticed: refused after `seal`, when a value would go from one request to the next.
  ///   The same is why setfenv, module and rawset on them are refused.
  /// - FFI reaches any memory, bytecode is not verified by LuaJIT: neither is offered at any time.
  /// - Finalisers (newproxy) and the handlers of xpcall run where LuaJIT calls no hook, so that an
  ///   endless loop in them could not be stopped: the first are not offered, the second are not
  ///   called after a limit was passed.
  static let source = """
    local exhausted, seal_name = ...
    local G, real, sealed = _G, {}, false
    local error, type, tostring0, ipairs = error, type, tostring, ipairs
    local setmetatable, getmetatable, pairs0, next0 = setmetatable, getmetatable, pairs, next
    local rawset0, rawget0, load0, loadfile0 = rawset, rawget, load, loadfile
    local xpcall0, require0, collect0 = xpcall, require, collectgarbage
    local loaded = package.loaded

    -- What may be called while loading only.
    local function guarded(name, f)
      return function(...)
        if sealed then error(name .. " cannot be called in a request", 2) end
        return f(...)
      end
    end

    -- Code comes as text.
    function load(chunk, name, _, env) return load0(chunk, name, "t", env) end
    loadstring = load
    loadfile = guarded("loadfile", function(name, _, env) return loadfile0(name, "t", env) end)
    dofile = guarded("dofile", function(name)
      local chunk, message = loadfile0(name, "t")
      if not chunk then error(message, 0) end
      return chunk()
    end)
    string.dump, newproxy = nil, nil
    package.loadlib, package.cpath = nil, ""
    package.loaders[4], package.loaders[3] = nil, nil
    for name in pairs0(package.preload) do package.preload[name] = nil end
    for name in pairs0(loaded) do if name:find("^jit%.") then loaded[name] = nil end end
    loaded.ffi = nil

    function require(name)
      if name == "ffi" then error("ffi is not offered: it reaches any memory", 2) end
      if not sealed then return require0(name) end
      if loaded[name] == nil then
        error(("module %q is not loaded: modules are loaded with the configuration")
          :format(tostring(name)), 2)
      end
      return loaded[name]
    end

    -- As its own __tostring, LuaJIT's would turn in circles without an instruction.
    function tostring(value) return tostring0(value) end
    local tostring = tostring

    function xpcall(f, handler, ...)
      return xpcall0(f, function(message)
        if exhausted() then return message end
        return handler(message)
      end, ...)
    end

    function collectgarbage(what, ...)
      if sealed and what ~= "count" then
        error("collectgarbage can only count in a request", 2)
      end
      return collect0(what, ...)
    end

    for _, name in ipairs { "setfenv", "getfenv", "module", "print" } do
      G[name] = guarded(name, G[name])
    end
    debug = { traceback = debug.traceback, getinfo = debug.getinfo }
    loaded.debug = debug
    local nothing = function() end
    jit = {
      version = jit.version, version_num = jit.version_num, os = jit.os, arch = jit.arch,
      on = nothing, off = nothing, flush = nothing, status = function() return false end,
    }
    loaded.jit = jit

    local harmless = { ["os.time"] = true, ["os.clock"] = true, ["os.date"] = true,
      ["os.difftime"] = true, ["os.getenv"] = true }
    local file = getmetatable(io.stdout)
    for name, library in pairs0 { os = os, io = io, file = file.__index } do
      for key, value in pairs0(library) do
        local full = name .. "." .. key
        local is_call = type(value) == "function" and not key:find("^__")
          if is_call and not harmless[full] then
          library[key] = guarded(full, value)
        end
      end
    end
    file.__metatable = false

    -- From here on nothing but `fronts` knows the real tables.
    local fronts = {}
    local function front(library, what, table)
      setmetatable(table, {
        __index = library,
        __metatable = false,
        __newindex = function(_, key, value)
          if sealed then
            error(("%s %q cannot be set in a request: nothing in it is kept (write local)")
              :format(what, tostring(key)), 2)
          end
          library[key] = value
        end,
      })
      fronts[table] = library
      return table
    end
    for name, library in pairs0(loaded) do
      if library ~= G and type(library) == "table" then
        local table = front(library, "field of " .. name, {})
        if G[name] == library then G[name] = table end
        loaded[name] = table
      end
    end

    function rawset(table, key, value)
      if fronts[table] then table[key] = value return table end
      return rawset0(table, key, value)
    end
    function rawget(table, key) return rawget0(fronts[table] or table, key) end
    function pairs(table) return pairs0(fronts[table] or table) end
    function next(table, key) return next0(fronts[table] or table, key) end

    local string_metatable = getmetatable("")
    real[seal_name] = function()
      sealed = true
      string_metatable.__metatable = false
      for _, name in ipairs { "os", "io", "debug", "package", "dofile", "loadfile", "module",
          "setfenv", "getfenv", "print", seal_name } do
        real[name] = nil
      end
    end

    for key, value in pairs0(G) do real[key] = value end
    for key in pairs0(real) do rawset0(G, key, nil) end
    real._G = G
    front(real, "global", G)
    """
}

extension LuaState {
  /// Takes away what no configuration may do, and prepares `seal`. Once, in a new state.
  package borrowing func restrict() throws(LuaError) {
    let stack = stack
    try stack.load(Restrictions.source, name: "rsp")
    // SAFETY: the state is open.
    try stack.check(unsafe rsp_lua_push_exhausted(stack.pointer))
    try stack.push(Restrictions.sealName)
    try stack.call(arguments: 2, results: 0)
  }
}
