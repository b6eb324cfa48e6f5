-- PostgreSQL behind rsp: connections go to the primary, and to the standby when the primary is out.
-- Bytes are passed on as they are, so this is for any protocol over TCP.

upstream "postgres" {
  "127.0.0.1:9001",
  { "127.0.0.1:9002", backup = true },
  health_check = { type = "tcp", interval = "1s", rise = 1, fall = 2 },
}

listen {
  "5432",
  tcp = "postgres",
  connect_timeout = "1s",
  tunnel_timeout = "24h", -- a session may be silent that long
}
