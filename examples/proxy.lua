-- A reverse proxy in front of one application. Check it with `rsp check examples/proxy.lua`; every
-- option is described in docs/configuration.md.

-- What holds wherever nothing more specific is said.
defaults {
  connect_timeout = "2s",
  max_body = "100m",
}

log { level = "info" }

-- Port 8000 on all interfaces, IPv4 and IPv6.
listen "8000"

-- A second listener for the machine itself, with limits of its own.
listen { "127.0.0.1:8001", keepalive_timeout = "10s", max_head = "16k" }

-- The application. The address may come from the environment, since this file is a Lua program.
upstream "app" {
  os.getenv("APP_ADDRESS") or "127.0.0.1:8888",
  max_idle = 32, -- idle connections kept per worker
}

-- Every request, whatever its host, goes to the application.
site "*" {
  ["/"] = { proxy "app", response_timeout = "2m" },
  via = true, -- options of the whole site stand beside its routes
}
