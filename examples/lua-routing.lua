-- A route may be a function: it is called for each request and says what to do with it. It runs
-- inside rsp, so looking something up in a table costs less than a microsecond.
listen "8000"

upstream "europe" { "127.0.0.1:9001" }
upstream "america" { "127.0.0.1:9002" }

local europe, america = proxy "europe", proxy "america"

-- Where the data of each customer is.
local home = {
  ["berlin.example"] = europe,
  ["lisbon.example"] = europe,
  ["boston.example"] = america,
}

site "*" {
  ["/"] = function(request)
    -- Those who try the new version say so in a cookie.
    if request.cookies.region == "america" then return america end
    return home[request.host] or respond(404, "Nobody here is called " .. request.host .. ".\n")
  end,
}
