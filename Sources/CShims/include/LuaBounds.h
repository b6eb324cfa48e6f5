// Lua code that is called for requests: bounded in instructions, time, memory and C stack, and given
// one record that it can only read. Included by CShims.h.
#pragma once
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

// What the code of one call, and a state as a whole, may use. Each limit is the most that passes.
typedef struct {
  // Bytes that one call may allocate, freed ones included.
  size_t call_bytes;
  // Bytes that the state may hold beyond what it held when it was sealed.
  size_t state_bytes;
  // Bytes of C stack that one call may use: Lua's own stack is limited by LuaJIT, but a function
  // that gsub calls, and that calls gsub, goes deeper on the C stack.
  size_t stack_bytes;
  // Processor time of one call.
  long milliseconds;
} rsp_lua_limits;

// Which limit a call has passed. Memory is not among them: that is an ordinary Lua error.
enum rsp_lua_fault {
  RSP_LUA_WITHIN,
  RSP_LUA_INSTRUCTIONS,
  RSP_LUA_TIME,
  RSP_LUA_STACK,
};

// A new state as rsp_lua_open makes it, but interpreted only and with limits, which hold from
// rsp_lua_seal on. LuaJIT calls no hook from compiled code, so compiled code could not be stopped.
lua_State *_Nullable rsp_lua_open_bounded(rsp_lua_limits limits);
// From here on what runs in a bounded state may take so much processor time, and is not limited
// otherwise: the time of loading, which ends with the first bounded call.
void rsp_lua_watch_loading(lua_State *_Nonnull L, long milliseconds);
// Closes a state of either kind.
void rsp_lua_close(lua_State *_Nonnull L);
// From here on the state may hold `state_bytes` more than now. Garbage is collected first.
void rsp_lua_seal(lua_State *_Nonnull L);
// Bytes that a bounded state holds.
size_t rsp_lua_held(lua_State *_Nonnull L);

// Calls the referenced function, in at most `instructions` Lua instructions, with the value of
// another reference as its one argument. Like rsp_lua_pcall with one result, but once a limit has
// been passed every further instruction raises, so that no pcall can go on, and the call fails even
// if it returns.
int rsp_lua_call_bounded(lua_State *_Nonnull L, int function, int argument, long instructions);

// Which limit the last call has passed.
enum rsp_lua_fault rsp_lua_passed(lua_State *_Nonnull L);
// Pushes a C function that tells Lua whether the running call has passed a limit.
int rsp_lua_push_exhausted(lua_State *_Nonnull L);

// Where a function is defined: as rsp_lua_caller. Pops the function.
int rsp_lua_definition(lua_State *_Nonnull L, char source[_Nonnull LUA_IDSIZE]);

// A record

// Bytes that live until the next call of the same source; `start` is NULL when there is no value.
typedef struct {
  const void *_Nullable start;
  size_t count;
} rsp_lua_bytes;

// What a record shows: its simple fields by their index, and the fields that are maps by the index
// of the map and a name, which may have several values.
typedef struct {
  rsp_lua_bytes (*_Nonnull field)(void *_Nonnull context, int field);
  rsp_lua_bytes (*_Nonnull entry)(void *_Nonnull context, int map, const void *_Nonnull name,
                                  size_t count, int number);
} rsp_lua_source;

// A userdata that Lua can only read, field by field, while it has a context. A map's entry is a
// string, a table when there are several values, or nil.
typedef struct rsp_lua_record rsp_lua_record;

// Pushes a new record called `name` in messages. `fields` and `maps` hold the names, with blanks
// between them. It lives as long as it can be reached in Lua.
int rsp_lua_push_record(lua_State *_Nonnull L, const char *_Nonnull name, rsp_lua_source source,
                        const char *_Nonnull fields, const char *_Nonnull maps,
                        rsp_lua_record *_Nullable *_Nonnull record);
// Lends the record a context, or takes it away: without one, reading is an error.
void rsp_lua_lend(rsp_lua_record *_Nonnull record, void *_Nullable context);
