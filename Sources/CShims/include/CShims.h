// What Swift cannot call in C libraries: macros, functions with variable arguments, and functions
// that leave by longjmp, which must never cross a Swift frame (it would skip its cleanup).
#pragma once
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stddef.h>

#include "LuaBounds.h"

// Lua raises errors by longjmp: in a bad operation, in a metamethod, and in anything that
// allocates. Each function below that could raise does its work inside a protected call of its own
// and returns a status instead: 0, or one of Lua's error codes with the error value on the top of
// the stack in place of the results. Swift calls only these and those of Lua's own functions that
// can neither raise nor allocate.

// A Swift function that Lua can call. It returns the number of results it left on the top of the
// stack, or RSP_LUA_RAISE with an error message there.
typedef int (*rsp_lua_callback)(void *_Nonnull context, lua_State *_Nonnull L);
// Gives up the reference to `context` that Lua holds.
typedef void (*rsp_lua_release)(void *_Nonnull context);

enum { RSP_LUA_RAISE = -1 };

// A new state with the standard libraries, or NULL when there is no memory for it.
lua_State *_Nullable rsp_lua_open(void);

// Push a chunk compiled from a text file, or from `count` bytes of source that messages call `name`
// (Lua's convention: "=rsp" is shown as it is, "@rsp.lua" as a file). Bytecode is refused: LuaJIT
// does not verify it.
int rsp_lua_load_file(lua_State *_Nonnull L, const char *_Nonnull path);
int rsp_lua_load(lua_State *_Nonnull L, const void *_Nonnull bytes, size_t count,
                 const char *_Nonnull name);

// Calls the function below `arguments` values. On an error, the message is on the top of the stack,
// a string unless memory ran out, and rsp_lua_take_traceback pushes, once, where it happened: a
// string, or false when that is not known.
int rsp_lua_pcall(lua_State *_Nonnull L, int arguments, int results);
void rsp_lua_take_traceback(lua_State *_Nonnull L);

int rsp_lua_push_string(lua_State *_Nonnull L, const void *_Nullable bytes, size_t count);
int rsp_lua_push_table(lua_State *_Nonnull L);
// Push a Swift function, or a value that Lua only carries around. `context` then belongs to Lua,
// which calls `release` once when it is collected; if the push fails it still is the caller's.
int rsp_lua_push_function(lua_State *_Nonnull L, rsp_lua_callback _Nonnull call,
                          rsp_lua_release _Nonnull release, void *_Nonnull context);
int rsp_lua_push_object(lua_State *_Nonnull L, rsp_lua_release _Nonnull release,
                        void *_Nonnull context);
// The context of the object at `index`, or NULL when there is something else.
void *_Nullable rsp_lua_object(lua_State *_Nonnull L, int index);

// Push table[name]; pop a value into table[name]. Metamethods run. LUA_GLOBALSINDEX is a table too.
int rsp_lua_get_field(lua_State *_Nonnull L, int table, const char *_Nonnull name);
int rsp_lua_set_field(lua_State *_Nonnull L, int table, const char *_Nonnull name);

// Pops a value and keeps it in the registry under `*reference`.
int rsp_lua_reference(lua_State *_Nonnull L, int *_Nonnull reference);

// The innermost Lua line that led to the running Swift function: the line, and the chunk's name as
// Lua's messages show it. 0 when there is none.
int rsp_lua_caller(lua_State *_Nonnull L, char source[_Nonnull LUA_IDSIZE]);

// Indices that are macros in C.
static inline int rsp_lua_globals(void) { return LUA_GLOBALSINDEX; }
static inline int rsp_lua_registry(void) { return LUA_REGISTRYINDEX; }
