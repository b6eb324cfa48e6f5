// The protected operations of CShims.h: each is a small function run by lua_pcall, so that an error
// unwinds C frames only.
#include "CShims.h"

#include <string.h>

#include "shims.h"

// What Lua holds of Swift: the userdata behind functions and objects.
struct box {
  rsp_lua_callback call;
  rsp_lua_release release;
  void *context;
};

// The one C function through which every operation is run. It is made once, since making a
// function allocates and so may raise.
static int run_operation(lua_State *L) {
  struct operation *operation = lua_touserdata(L, 1);
  lua_remove(L, 1);
  return operation->run(L, operation);
}

int rsp_lua_protect(lua_State *L, struct operation *operation, int arguments, int results) {
  if (!lua_checkstack(L, 4)) {
    lua_settop(L, -arguments - 1);
    lua_pushnil(L);
    return LUA_ERRMEM;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_RUN);
  lua_insert(L, -arguments - 1);
  lua_pushlightuserdata(L, operation);
  lua_insert(L, -arguments - 1);
  return lua_pcall(L, arguments + 1, results, 0);
}

// Opening and errors

// Turns any error value into a string, and keeps the traceback, which is gone after the unwinding.
static int handle_error(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING) {
    if (lua_type(L, 1) == LUA_TNUMBER) {
      lua_tolstring(L, 1, NULL);
    } else if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) {
      lua_replace(L, 1);
    } else {
      lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
      lua_replace(L, 1);
    }
  }
  lua_settop(L, 1);
  luaL_traceback(L, L, NULL, 1);
  lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_TRACEBACK);
  return 1;
}

static int release_box(lua_State *L) {
  struct box *box = lua_touserdata(L, 1);
  void *context = box->context;
  box->context = NULL;
  if (context != NULL) box->release(context);
  return 0;
}

int rsp_lua_prepare(lua_State *L) {
  luaL_openlibs(L);
  lua_pushcfunction(L, run_operation);
  lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_RUN);
  lua_pushcfunction(L, handle_error);
  lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_HANDLER);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, release_box);
  lua_setfield(L, -2, "__gc");
  // getmetatable() gives this instead of the table, so that a script cannot reach __gc.
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_METATABLE);
  // Once the slot is there, storing in it allocates nothing.
  lua_pushboolean(L, 0);
  lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_TRACEBACK);
  return 0;
}

lua_State *rsp_lua_open(void) {
  lua_State *L = luaL_newstate();
  if (L == NULL) return NULL;
  if (lua_cpcall(L, rsp_lua_prepare, NULL) != 0) {
    lua_close(L);
    return NULL;
  }
  return L;
}

int rsp_lua_pcall(lua_State *L, int arguments, int results) {
  int handler = lua_gettop(L) - arguments;
  lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_HANDLER);
  lua_insert(L, handler);
  int status = lua_pcall(L, arguments, results, handler);
  lua_remove(L, handler);
  return status;
}

void rsp_lua_take_traceback(lua_State *L) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_TRACEBACK);
  lua_pushboolean(L, 0);
  lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_TRACEBACK);
}

// Chunks

static int load_file(lua_State *L, struct operation *operation) {
  if (luaL_loadfilex(L, operation->name, "t") != 0) return lua_error(L);
  return 1;
}

int rsp_lua_load_file(lua_State *L, const char *path) {
  struct operation operation = {.run = load_file, .name = path};
  return rsp_lua_protect(L, &operation, 0, 1);
}

static int load(lua_State *L, struct operation *operation) {
  int status = luaL_loadbufferx(L, operation->bytes, operation->count, operation->name, "t");
  return status != 0 ? lua_error(L) : 1;
}

int rsp_lua_load(lua_State *L, const void *bytes, size_t count, const char *name) {
  struct operation operation = {.run = load, .bytes = bytes, .count = count, .name = name};
  return rsp_lua_protect(L, &operation, 0, 1);
}

// Values

static int push_string(lua_State *L, struct operation *operation) {
  lua_pushlstring(L, operation->bytes, operation->count);
  return 1;
}

int rsp_lua_push_string(lua_State *L, const void *bytes, size_t count) {
  struct operation operation = {
      .run = push_string, .bytes = bytes == NULL ? "" : bytes, .count = count};
  return rsp_lua_protect(L, &operation, 0, 1);
}

static int push_table(lua_State *L, struct operation *operation) {
  (void)operation;
  lua_createtable(L, 0, 0);
  return 1;
}

int rsp_lua_push_table(lua_State *L) {
  struct operation operation = {.run = push_table};
  return rsp_lua_protect(L, &operation, 0, 1);
}

// Calls Swift, and raises only when Swift's frame is gone. The error gets the position of the Lua
// code that made the call, as luaL_error would give it.
static int trampoline(lua_State *L) {
  struct box *box = lua_touserdata(L, lua_upvalueindex(1));
  // While a state closes, a finaliser can still reach a function that has been collected.
  if (box->context == NULL) return luaL_error(L, "the function has been released");
  int results = box->call(box->context, L);
  if (results >= 0) return results;
  luaL_where(L, 1);
  lua_insert(L, -2);
  lua_concat(L, 2);
  return lua_error(L);
}

static int push_box(lua_State *L, struct operation *operation) {
  struct box *box = lua_newuserdata(L, sizeof *box);
  memset(box, 0, sizeof *box);
  lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_METATABLE);
  lua_setmetatable(L, -2);
  if (operation->call != NULL) lua_pushcclosure(L, trampoline, 1);
  // Nothing can raise any more: from here on the context is Lua's.
  box->call = operation->call;
  box->release = operation->release;
  box->context = operation->context;
  return 1;
}

int rsp_lua_push_function(lua_State *L, rsp_lua_callback call, rsp_lua_release release,
                          void *context) {
  struct operation operation = {
      .run = push_box, .call = call, .release = release, .context = context};
  return rsp_lua_protect(L, &operation, 0, 1);
}

int rsp_lua_push_object(lua_State *L, rsp_lua_release release, void *context) {
  struct operation operation = {.run = push_box, .release = release, .context = context};
  return rsp_lua_protect(L, &operation, 0, 1);
}

void *rsp_lua_object(lua_State *L, int index) {
  struct box *box = lua_touserdata(L, index);
  if (box == NULL || !lua_getmetatable(L, index)) return NULL;
  lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_METATABLE);
  int ours = lua_rawequal(L, -1, -2);
  lua_settop(L, -3);
  return ours ? box->context : NULL;
}

// Fields and references

static int get_field(lua_State *L, struct operation *operation) {
  lua_getfield(L, 1, operation->name);
  return 1;
}

int rsp_lua_get_field(lua_State *L, int table, const char *name) {
  struct operation operation = {.run = get_field, .name = name};
  lua_pushvalue(L, table);
  return rsp_lua_protect(L, &operation, 1, 1);
}

static int set_field(lua_State *L, struct operation *operation) {
  lua_insert(L, 1);
  lua_setfield(L, 1, operation->name);
  return 0;
}

int rsp_lua_set_field(lua_State *L, int table, const char *name) {
  struct operation operation = {.run = set_field, .name = name};
  lua_pushvalue(L, table);
  return rsp_lua_protect(L, &operation, 2, 0);
}

static int make_reference(lua_State *L, struct operation *operation) {
  operation->result = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

int rsp_lua_reference(lua_State *L, int *reference) {
  struct operation operation = {.run = make_reference};
  int status = rsp_lua_protect(L, &operation, 1, 0);
  *reference = operation.result;
  return status;
}

int rsp_lua_caller(lua_State *L, char source[LUA_IDSIZE]) {
  lua_Debug frame;
  for (int level = 1; lua_getstack(L, level, &frame); level++) {
    if (!lua_getinfo(L, "Sl", &frame) || frame.currentline <= 0) continue;
    memcpy(source, frame.short_src, LUA_IDSIZE);
    return frame.currentline;
  }
  return 0;
}
