-- Certificates from an authority (ACME), ordered and renewed by rsp for every exact name of a site.
--
-- The names have to lead to this machine, and the authority has to reach it on port 443 or 80: write
-- those for 8443 and 8000, or forward them. Until a certificate has come, a self-signed one is shown.

listen "8000"
listen { "8443", certificates = "auto" }

acme {
  email = "admin@shop.example", -- who is told when something is wrong
  -- Let's Encrypt's place to try things out; its certificates are trusted by nobody. Without this line
  -- they come from Let's Encrypt itself, which counts how many you ask for.
  directory = "https://acme-staging-v02.api.letsencrypt.org/directory",
  folder = "acme", -- the account, the keys and the certificates; keep it
}

site "shop.example www.shop.example" {
  ["/"] = proxy "127.0.0.1:9001",
  redirect_https = true,
}
