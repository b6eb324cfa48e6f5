-- A chat under two host names, served by two chat servers. A WebSocket needs no setting of its own.
listen "8000"

upstream "chat" {
  "127.0.0.1:9001",
  "127.0.0.1:9002",
  -- A WebSocket stays for hours, so a new one goes where the fewest are.
  balance = "least_connections",
  -- Nobody is sent to a server that does not say 200 here. The page of whoever was connected to a
  -- server that died connects again, and gets the other one.
  health_check = { path = "/health", interval = "1s", timeout = "500ms", rise = 2, fall = 2 },
}

site "chat.localhost talk.localhost" { ["/"] = proxy "chat" }

-- Whoever asks for another name is shown the way.
site "*" { ["/"] = redirect "http://chat.localhost:8000/" }
