// What the files of CShims share: operations in a protected call, and our slots of the registry.
#pragma once
#include "CShims.h"

// Slots of the registry that are ours; luaL_ref uses the positive numbers.
enum { SLOT_RUN = -1, SLOT_HANDLER = -2, SLOT_TRACEBACK = -3, SLOT_METATABLE = -4 };

// An operation that may raise, and what it works on. Values that are in Lua already are passed on the stack.
struct operation {
  int (*run)(lua_State *L, struct operation *operation);
  const void *bytes;
  size_t count;
  const char *name;
  rsp_lua_callback call;
  rsp_lua_release release;
  void *context;
  int result;
};

// Runs `operation` on the top `arguments` values, which it replaces by `results` values or by one
// error value; returns 0 or Lua's error code.
int rsp_lua_protect(lua_State *L, struct operation *operation, int arguments, int results);

// Opens the libraries and fills our slots of the registry; to be run protected.
int rsp_lua_prepare(lua_State *L);
