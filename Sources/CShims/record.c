// The record of LuaBounds.h. What it shows is asked for field by field; Swift gives bytes, and only
// when Swift's frame is gone are they copied into Lua, which may raise.
#include <string.h>

#include "shims.h"

struct rsp_lua_record {
  rsp_lua_source source;
  void *context;
};

// Upvalues of the closures below. The record is kept alive by them, and not found through the
// userdata that was indexed: nothing that Lua code passes is trusted.
enum { UP_RECORD = 1, UP_NAME, UP_NAMES, UP_MAP = UP_NAMES };

static rsp_lua_record *lent(lua_State *L) {
  rsp_lua_record *record = lua_touserdata(L, lua_upvalueindex(UP_RECORD));
  if (record->context == NULL) {
    luaL_error(L, "%s is used after the call that it was made for",
               lua_tostring(L, lua_upvalueindex(UP_NAME)));
  }
  return record;
}

static void push_bytes(lua_State *L, rsp_lua_bytes bytes) {
  if (bytes.start == NULL) {
    lua_pushnil(L);
  } else {
    lua_pushlstring(L, bytes.start, bytes.count);
  }
}

// record[key]: upvalue UP_NAMES is {name = index, or the map of that name}.
static int index_record(lua_State *L) {
  rsp_lua_record *record = lent(L);
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(UP_NAMES));
  switch (lua_type(L, 3)) {
  case LUA_TNUMBER:
    push_bytes(L, record->source.field(record->context, (int)lua_tointeger(L, 3)));
    return 1;
  case LUA_TNIL:
    // A mistyped name would otherwise be a condition that is never true.
    return luaL_error(L, "%s has no field \"%s\"", lua_tostring(L, lua_upvalueindex(UP_NAME)),
                      lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2));
  default:
    return 1;
  }
}

// map[key]
static int index_map(lua_State *L) {
  rsp_lua_record *record = lent(L);
  int map = (int)lua_tointeger(L, lua_upvalueindex(UP_MAP));
  if (lua_type(L, 2) != LUA_TSTRING) {
    lua_pushnil(L);
    return 1;
  }
  size_t count;
  const char *name = lua_tolstring(L, 2, &count);
  push_bytes(L, record->source.entry(record->context, map, name, count, 0));
  if (lua_type(L, -1) == LUA_TNIL) return 1;
  for (int number = 1;; number++) {
    rsp_lua_bytes more = record->source.entry(record->context, map, name, count, number);
    if (more.start == NULL) return 1;
    if (number == 1) {
      lua_createtable(L, 2, 0);
      lua_insert(L, -2);
      lua_rawseti(L, -2, 1);
    }
    lua_pushlstring(L, more.start, more.count);
    lua_rawseti(L, -2, number + 1);
  }
}

static int refuse_writing(lua_State *L) {
  return luaL_error(L, "%s is read only", lua_tostring(L, lua_upvalueindex(UP_NAME)));
}

// Gives the userdata on the top a metatable with the closure below it as __index, which it pops.
static void set_metatable(lua_State *L, const char *name) {
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushnil(L);
  lua_pushstring(L, name);
  lua_pushcclosure(L, refuse_writing, 2);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

struct record_operation {
  struct operation operation;
  rsp_lua_source source;
  const char *fields, *maps;
  rsp_lua_record *record;
};

// Pushes the next of the names with blanks between them; false at the end.
static bool push_name(lua_State *L, const char **names) {
  *names += strspn(*names, " ");
  size_t length = strcspn(*names, " ");
  if (length == 0) return false;
  lua_pushlstring(L, *names, length);
  *names += length;
  return true;
}

static int push_record(lua_State *L, struct operation *operation) {
  struct record_operation *made = (struct record_operation *)operation;
  enum { RECORD = 1, NAMES, KEY, FULL_NAME };
  rsp_lua_record *record = lua_newuserdata(L, sizeof *record);
  record->source = made->source;
  record->context = NULL;
  lua_createtable(L, 0, 0);
  for (int field = 0; push_name(L, &made->fields); field++) {
    lua_pushinteger(L, field);
    lua_rawset(L, NAMES);
  }
  for (int map = 0; push_name(L, &made->maps); map++) {
    const char *name = lua_pushfstring(L, "%s.%s", operation->name, lua_tostring(L, KEY));
    lua_pushvalue(L, RECORD);
    lua_pushvalue(L, FULL_NAME);
    lua_pushinteger(L, map);
    lua_pushcclosure(L, index_map, 3);
    lua_newuserdata(L, 0);
    set_metatable(L, name);
    lua_remove(L, FULL_NAME);
    lua_rawset(L, NAMES);
  }
  lua_pushvalue(L, RECORD);
  lua_pushstring(L, operation->name);
  lua_pushvalue(L, NAMES);
  lua_pushcclosure(L, index_record, 3);
  lua_pushvalue(L, RECORD);
  set_metatable(L, operation->name);
  made->record = record;
  return 1;
}

int rsp_lua_push_record(lua_State *L, const char *name, rsp_lua_source source, const char *fields,
                        const char *maps, rsp_lua_record **record) {
  struct record_operation made = {.operation = {.run = push_record, .name = name},
                                  .source = source, .fields = fields, .maps = maps};
  int status = rsp_lua_protect(L, &made.operation, 0, 1);
  *record = made.record;
  return status;
}

void rsp_lua_lend(rsp_lua_record *record, void *context) { record->context = context; }
