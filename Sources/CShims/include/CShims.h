// What Swift cannot call in C libraries: macros and functions with variable arguments.
#pragma once
#include <lua.h>
#include <lauxlib.h>

static inline void rsp_lua_pop(lua_State *_Nonnull L, int n) { lua_settop(L, -n - 1); }
