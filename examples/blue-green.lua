-- Two copies of an application, blue and green. One is live, the other gets the next version.
--
-- To release: install the new version on the copy that is idle, look at it at preview.example,
-- change the word below, `rsp check` and `rsp reload`. No request fails: those that have begun are
-- finished by the copy they were sent to. To go back, change the word again.
local live = "blue"
local idle = live == "blue" and "green" or "blue"

listen "8000"

upstream "blue" { "127.0.0.1:9001" }
upstream "green" { "127.0.0.1:9002" }

site "app.example" { ["/"] = proxy(live) }
site "preview.example" { ["/"] = proxy(idle) }
