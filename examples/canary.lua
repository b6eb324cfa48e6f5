-- A new version is tried by one request in ten, before it gets them all.
--
-- Raise its weight and `rsp reload` while nothing goes wrong; take its line out when something does.
listen "8000"

upstream "app" {
  { "127.0.0.1:9001", weight = 9 }, -- the version that is known to work
  { "127.0.0.1:9002", weight = 1 }, -- the canary
  balance = "round_robin", -- exactly by weight
}

site "app.example" {
  ["/"] = proxy "app",
  -- Whoever tests the canary can ask for it.
  ["/canary/"] = { proxy "127.0.0.1:9002", strip_prefix = true },
}
