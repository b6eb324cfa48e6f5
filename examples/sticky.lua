-- Servers that keep sessions in their own memory: a visitor always gets the server that they began
-- with, known by a cookie. When that server is gone, another one takes over.
listen "8000"

upstream "app" {
  "127.0.0.1:9001",
  "127.0.0.1:9002",
  "127.0.0.1:9003",
  -- The cookie names no address and can't be forged. A secret of your own makes it hold when rsp is
  -- started again, and on every machine that has the same secret.
  sticky = { cookie = "server", secret = os.getenv("STICKY_SECRET") or "only for this example" },
  health_check = { path = "/health", interval = "1s" },
}

site "*" { ["/"] = proxy "app" }
