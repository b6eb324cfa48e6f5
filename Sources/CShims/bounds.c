// Bounded calls of LuaBounds.h: one count hook, which looks at every limit each few instructions,
// and an allocator that counts before it passes on to LuaJIT's own.
#include <limits.h>
#include <luajit.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shims.h"

// So many instructions pass between two looks at the clock and the C stack. A level of recursion
// through gsub takes 9 KB of C stack and at least 3 instructions.
enum { STRIDE = 200 };

// The same while a program is loaded: a configuration may declare 100,000 sites, and is trusted but
// for its mistakes.
enum { LOADING_STRIDE = 10000 };

// What a bounded state carries with it, found by way of its allocator.
struct bounds {
  rsp_lua_limits limits;
  lua_Alloc allocate;  // LuaJIT's allocator and its context
  void *allocator;
  size_t held, ceiling;     // bytes of the state
  size_t taken, allowance;  // bytes that the running call has allocated
  // Instructions until the budget is passed, and until the hook is called next.
  long left, armed;
  const char *stack;  // where the call's part of the C stack begins
  struct timespec started;  // its processor time at the first look, which most calls end before
  bool is_timed;
  bool is_loading;
  long milliseconds;  // the processor time that is allowed
  enum rsp_lua_fault fault;
  long budget;
};

static void *bounded_allocate(void *context, void *block, size_t before, size_t after) {
  struct bounds *bounds = context;
  if (after > before) {
    size_t growth = after - before;
    if (growth > bounds->ceiling - bounds->held || growth > bounds->allowance - bounds->taken) {
      return NULL;
    }
    void *result = bounds->allocate(bounds->allocator, block, before, after);
    if (result != NULL) {
      bounds->held += growth;
      bounds->taken += growth;
    }
    return result;
  }
  bounds->held -= before - after;
  return bounds->allocate(bounds->allocator, block, before, after);
}

// NULL for a state without bounds.
static struct bounds *bounds_of(lua_State *L) {
  void *context;
  return lua_getallocf(L, &context) == bounded_allocate ? context : NULL;
}

lua_State *rsp_lua_open_bounded(rsp_lua_limits limits) {
  struct bounds *bounds = calloc(1, sizeof *bounds);
  lua_State *L = bounds == NULL ? NULL : rsp_lua_open();
  if (L == NULL) {
    free(bounds);
    return NULL;
  }
  bounds->limits = limits;
  bounds->ceiling = bounds->allowance = SIZE_MAX;
  bounds->allocate = lua_getallocf(L, &bounds->allocator);
  bounds->held = (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB, 0);
  lua_setallocf(L, bounded_allocate, bounds);
  luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  return L;
}

void rsp_lua_close(lua_State *L) {
  struct bounds *bounds = bounds_of(L);
  if (bounds != NULL) {
    lua_sethook(L, NULL, 0, 0);
    // LuaJIT gives its memory back as a whole only to the allocator that it made itself.
    lua_setallocf(L, bounds->allocate, bounds->allocator);
  }
  lua_close(L);
  free(bounds);
}

static int collect(lua_State *L, struct operation *operation) {
  (void)operation;
  lua_gc(L, LUA_GCCOLLECT, 0);
  return 0;
}

// Finalisers run, which may raise.
static void collect_garbage(lua_State *L) {
  struct operation operation = {.run = collect};
  if (rsp_lua_protect(L, &operation, 0, 0) != 0) lua_settop(L, -2);
}

void rsp_lua_seal(lua_State *L) {
  struct bounds *bounds = bounds_of(L);
  if (bounds == NULL) return;
  collect_garbage(L);
  collect_garbage(L);  // What finalisers held is garbage only now.
  bounds->ceiling = bounds->held + bounds->limits.state_bytes;
}

size_t rsp_lua_held(lua_State *L) {
  struct bounds *bounds = bounds_of(L);
  return bounds == NULL ? 0 : bounds->held;
}

// The hook

// Processor time, not time on the clock: a thread that had to wait for a core has done nothing.
static bool is_late(struct bounds *bounds) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  if (!bounds->is_timed) {
    bounds->started = now;
    bounds->is_timed = true;
    return false;
  }
  long seconds = now.tv_sec - bounds->started.tv_sec;
  long nanoseconds = now.tv_nsec - bounds->started.tv_nsec;
  return seconds * 1000 + nanoseconds / 1000000 >= bounds->milliseconds;
}

static void watch(lua_State *L, lua_Debug *frame);

static void arm(lua_State *L, struct bounds *bounds, long count) {
  bounds->armed = count;
  lua_sethook(L, watch, LUA_MASKCOUNT, (int)count);
}

// Pushes why the call has to end; `position` has the form `rsp.lua:3: ` or is empty.
static void push_reason(lua_State *L, struct bounds *bounds, const char *position) {
  switch (bounds->fault) {
  case RSP_LUA_TIME:
    if (bounds->is_loading) {
      lua_pushfstring(L, "%sthe program has run for more than %d s", position,
                      (int)(bounds->milliseconds / 1000));
    } else {
      lua_pushfstring(L, "%sthe function has run for more than %d ms", position,
                      (int)bounds->milliseconds);
    }
    return;
  case RSP_LUA_STACK:
    lua_pushfstring(L, "%sthe function calls itself too deeply", position);
    return;
  default:
    lua_pushfstring(L, "%sthe function has executed more than %d instructions (lua_budget)",
                    position, (int)bounds->budget);
  }
}

// Called before every `armed`th instruction. Once a limit is passed, it is called before each one,
// so that what a pcall has caught is raised again outside of it.
static void watch(lua_State *L, lua_Debug *frame) {
  struct bounds *bounds = bounds_of(L);
  if (bounds == NULL) return;
  if (bounds->fault == RSP_LUA_WITHIN) {
    bounds->left -= bounds->armed;
    const char here = 0;
    if (bounds->left <= 0) {
      bounds->fault = RSP_LUA_INSTRUCTIONS;
    } else if (!bounds->is_loading &&
               (size_t)(bounds->stack - &here) > bounds->limits.stack_bytes) {
      bounds->fault = RSP_LUA_STACK;
    } else if (is_late(bounds)) {
      bounds->fault = RSP_LUA_TIME;
    } else {
      if (bounds->left < bounds->armed) arm(L, bounds, bounds->left);
      return;
    }
    arm(L, bounds, 1);
  }
  char position[LUA_IDSIZE + 16] = "";
  if (lua_getinfo(L, "Sl", frame) && frame->currentline > 0) {
    lua_pushfstring(L, "%s:%d: ", frame->short_src, frame->currentline);
    strncpy(position, lua_tostring(L, -1), sizeof position - 1);
    lua_settop(L, -2);
  }
  push_reason(L, bounds, position);
  lua_error(L);
}

// Calls

void rsp_lua_watch_loading(lua_State *L, long milliseconds) {
  struct bounds *bounds = bounds_of(L);
  if (bounds == NULL) return;
  bounds->fault = RSP_LUA_WITHIN;
  bounds->is_loading = true;
  bounds->is_timed = false;
  bounds->milliseconds = milliseconds;
  bounds->left = LONG_MAX;
  arm(L, bounds, LOADING_STRIDE);
}

static int push_fault(lua_State *L, struct operation *operation) {
  push_reason(L, operation->context, "");
  return 1;
}

int rsp_lua_call_bounded(lua_State *L, int function, int argument, long instructions) {
  struct bounds *bounds = bounds_of(L);
  const char here = 0;
  bounds->fault = RSP_LUA_WITHIN;
  bounds->taken = 0;
  bounds->allowance = bounds->limits.call_bytes;
  bounds->stack = &here;
  bounds->is_timed = false;
  bounds->is_loading = false;
  bounds->milliseconds = bounds->limits.milliseconds;
  bounds->budget = instructions;
  // The hook comes before an instruction: the one after the last that is allowed.
  bounds->left = instructions + 1;
  arm(L, bounds, bounds->left < STRIDE ? bounds->left : STRIDE);
  lua_rawgeti(L, LUA_REGISTRYINDEX, function);
  lua_rawgeti(L, LUA_REGISTRYINDEX, argument);
  int status = rsp_lua_pcall(L, 1, 1);
  bounds->allowance = SIZE_MAX;
  bounds->taken = 0;
  if (status == LUA_ERRMEM) collect_garbage(L);
  if (status == 0 && bounds->fault != RSP_LUA_WITHIN) {
    // `return pcall(endless)`: not one instruction came after the error.
    struct operation operation = {.run = push_fault, .context = bounds};
    lua_settop(L, -2);
    status = rsp_lua_protect(L, &operation, 0, 1);
    if (status == 0) status = LUA_ERRRUN;
  }
  return status;
}

enum rsp_lua_fault rsp_lua_passed(lua_State *L) {
  struct bounds *bounds = bounds_of(L);
  return bounds == NULL ? RSP_LUA_WITHIN : bounds->fault;
}

static int is_exhausted(lua_State *L) {
  lua_pushboolean(L, rsp_lua_passed(L) != RSP_LUA_WITHIN);
  return 1;
}

static int push_exhausted(lua_State *L, struct operation *operation) {
  (void)operation;
  lua_pushcfunction(L, is_exhausted);
  return 1;
}

int rsp_lua_push_exhausted(lua_State *L) {
  struct operation operation = {.run = push_exhausted};
  return rsp_lua_protect(L, &operation, 0, 1);
}

int rsp_lua_definition(lua_State *L, char source[LUA_IDSIZE]) {
  lua_Debug frame;
  if (!lua_getinfo(L, ">S", &frame)) return 0;
  memcpy(source, frame.short_src, LUA_IDSIZE);
  return frame.linedefined;
}
