-- Three sites on one port: which one is asked for stands in the Host field of the request.
listen "8000"

upstream "shop" { "127.0.0.1:9001" }
upstream "blog" { "127.0.0.1:9002" }

-- A site answers to all the names it lists. Among its routes the longest prefix wins.
site "shop.example" {
  ["/"] = proxy "shop",
  ["/news/"] = redirect "https://blog.example/", -- moved to a site of its own
  ["= /ping"] = respond(200, "pong\n"), -- this path alone, and no server is asked
}

-- Every name under blog.example; the names themselves come before such wildcards.
site "blog.example *.blog.example" { ["/"] = proxy "blog" }

-- One spelling of each address: $request_uri is the path and the query as the client sent them.
site "www.shop.example" { ["/"] = redirect(301, "https://shop.example$request_uri") }

-- A request for any other name. Without this site it would get 404 too, just not so kindly.
site "*" { ["/"] = respond(404, "There is no such site here.\n") }
