-- Several sites by TLS on one port, each with its own certificate. Plain HTTP only sends there.
--
-- Every PEM file in certs/ beside this file is used; the name that a client asks for chooses. To try
-- it out, one that signs itself:
--
--   mkdir certs && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
--     -subj /CN=shop.example -addext subjectAltName=DNS:shop.example,DNS:*.shop.example \
--     -keyout certs/shop.key -out certs/shop.crt

listen "8000"
listen { "8443", certificates = "certs/" }

-- Requests without TLS are answered by 308, to the same URL with https.
defaults { redirect_https = true }

site "shop.example *.shop.example" {
  ["/"] = proxy "127.0.0.1:9001",
  hsts = "180d", -- browsers do not even ask without TLS any more
}

site "blog.example" {
  ["/"] = proxy "127.0.0.1:9002",
  -- Open to those who cannot do TLS.
  ["= /feed.xml"] = { proxy "127.0.0.1:9002", redirect_https = false },
}
