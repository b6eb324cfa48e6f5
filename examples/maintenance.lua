-- A site that is being worked on. `rsp reload` when it begins, and when it ends.
listen "8000"

upstream "app" { "127.0.0.1:9001" }

-- The first of these lines during the work, the second before and after it.
site "app.example" { ["/"] = respond(503, "Back at noon.\n", { ["Retry-After"] = "3600" }) }
-- site "app.example" { ["/"] = proxy "app" }

-- Pages of your own in place of rsp's error answers, here when no server can be reached.
site "shop.example" {
  ["/"] = proxy "app",
  error_pages = { [502] = respond(502, "The shop is restarting; please try again.\n") },
}
