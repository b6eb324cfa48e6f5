// The Lua C API of the system's LuaJIT (OpenResty's fork in Debian).
#include <lua.h>
#include <lualib.h>
#include <lauxlib.h>
#include <luajit.h>
