-- A hosting platform: a site for each of thousands of customers, spread over a few pools of
-- servers. The configuration is a program, so a loop writes it; 100,000 sites load within seconds,
-- and finding one of them takes no longer than with ten.
listen "8000"

local pools = {
  small = { "127.0.0.1:9001", "127.0.0.1:9002" },
  large = { "127.0.0.1:9003" },
}
for name, servers in pairs(pools) do
  upstream(name)(servers)
end

-- In earnest this table comes from where the customers are kept, for instance in a file that another
-- program writes: `local customers = dofile("customers.lua")`. `include "sites/*.lua"` reads a file
-- of statements per customer instead.
local customers = {}
for number = 1, 5000 do
  customers[#customers + 1] = {
    name = ("customer%d.example"):format(number),
    pool = number % 100 == 0 and "large" or "small",
  }
end

-- The actions are made once and shared by all sites.
local action = { small = proxy "small", large = proxy "large" }

for _, customer in ipairs(customers) do
  site(customer.name .. " www." .. customer.name) { ["/"] = action[customer.pool] }
end

site "*" { ["/"] = respond(404, "There is no customer of that name.\n") }
