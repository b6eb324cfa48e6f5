-- What scripts/run starts. A configuration is a Lua program, so the environment can be asked.
local port = os.getenv("PORT") or "8000"
local demo_port = os.getenv("DEMO_PORT") or "8888"

listen(port)

upstream "demo" { "127.0.0.1:" .. demo_port }

site "*" { ["/"] = proxy "demo" }
