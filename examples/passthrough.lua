-- One port for sites that are decrypted here and sites whose servers have the key themselves: the name
-- in the client's first message (SNI) decides.

listen "8000"
listen { "8443", certificates = "certs/" }

site "shop.example" { ["/"] = proxy "127.0.0.1:9001" }

-- rsp has no key for this one. Its servers learn the client's address from a PROXY header, which comes
-- before the first byte of TLS; they have to expect it (nginx: listen ... proxy_protocol).
upstream "bank" {
  "127.0.0.1:9443",
  proxy_protocol = 2,
}
site "bank.example" {
  passthrough = "bank",
  redirect_https = true, -- requests for it that come without TLS, on port 8000
}
