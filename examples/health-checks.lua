-- Servers that fail are left out, by what they say and by what they do, and get requests again when
-- they are well.
listen "8000"

upstream "app" {
  "127.0.0.1:9001",
  "127.0.0.1:9002",
  -- Only when all of the others are out.
  { "127.0.0.1:9003", backup = true },

  -- Each server is asked every second. After two wrong or missing answers in a row it is out, after
  -- two right ones it is in again.
  health_check = { path = "/health", interval = "1s", timeout = "500ms", rise = 2, fall = 2 },

  -- Between the checks the requests themselves tell: three failures in a row, and a server is out
  -- for ten seconds, then for twice as long each time. That needs no setting.
}

site "*" {
  ["/"] = proxy "app",
  -- A server that does not take a connection has not seen the request, so another one is asked;
  -- likewise where asking twice does no harm (GET, PUT, DELETE), and the connection broke.
  connect_timeout = "500ms",
  retries = 2,
}
