// The part of the table of options that is about TLS, certificates, and the PROXY protocol.

extension OptionSchema {
  private static let tlsContexts: [OptionContext] = [.listener, .defaults]

  static let listenerTLS: [OptionRule<ListenerOptions>] = [
    OptionRule(
      name: "certificates", kind: .special(.certificates), contexts: [.listener],
      summary: "Speaks TLS, with the certificates that are found there: every PEM file of a "
        + "folder, single files, certificate and key in two files, or `\"auto\"` for those that "
        + "an authority gives for the names of the sites ([acme](#acme)). The client's SNI "
        + "chooses.",
      example: "\"certs/\""),
    OptionRule(
      name: "tls", kind: .special(.tls), contexts: [.listener],
      summary: "Speaks TLS. Needed only where there are no certificates, because every site is "
        + "[passed through](#passthrough).",
      example: "true"),
    OptionRule(
      name: "client_ca", kind: .special(.file(\.asked.settings.clientCA)), contexts: [.listener],
      summary: "Asks clients for a certificate of one of the authorities in this file.",
      example: "\"clients-ca.pem\""),
    OptionRule(
      name: "client_verify", kind: .special(.clientVerify), contexts: [.listener],
      summary: "Whether a client must show a certificate, or may; one that it shows has to be good "
        + "in the first case, and requests say so in the second.",
      example: "\"optional\""),
    OptionRule(
      name: "tls_min", kind: .special(.tlsMinimum), contexts: tlsContexts,
      summary: "The lowest version of TLS that is spoken with clients.", example: "\"1.3\""),
    OptionRule(
      name: "ciphers", kind: .special(.ciphers), contexts: tlsContexts,
      summary: "The ciphers of TLS 1.2, in the words of OpenSSL, in place of the built-in list of "
        + "modern ones.",
      example: "\"ECDHE+AESGCM\""),
    OptionRule(
      name: "handshake_timeout",
      kind: .duration(\.asked.settings.handshakeTimeoutMilliseconds, timeout),
      contexts: tlsContexts,
      summary: "How long a TLS handshake with a client may take, its first message included.",
      example: "\"5s\""),
    OptionRule(
      name: "proxy_protocol", kind: .special(.proxyProtocol), contexts: [.listener],
      summary: "Every connection begins with a PROXY header, version 1 or 2, which says who the "
        + "client is. It is believed from these peers; others are not served.",
      example: "{ from = \"10.0.0.0/8\" }"),
    OptionRule(
      name: "tcp", kind: .special(.tcp), contexts: [.listener],
      summary: "Passes the bytes of each connection on to a server of an upstream, or to an "
        + "address, whatever they mean: no HTTP is read.",
      example: "\"postgres\""),
  ]

  static let upstreamTLS: [OptionRule<UpstreamOptions>] = [
    OptionRule(
      name: "verify", kind: .flag(\.tls.verify), contexts: [.upstream, .defaults],
      summary: "Whether the certificates of servers with `https://` are verified.",
      example: "false"),
    OptionRule(
      name: "ca", kind: .special(.file(\.tls.ca)), contexts: [.upstream, .defaults],
      summary: "The authorities that they are verified against, in place of the system's.",
      example: "\"internal-ca.pem\""),
    OptionRule(
      name: "server_name", kind: .special(.serverName), contexts: [.upstream],
      summary: "The name that is sent to them in SNI and has to be in their certificates, in place "
        + "of the Host that they get.",
      example: "\"app.internal\""),
    OptionRule(
      name: "client_certificate", kind: .special(.clientCertificate),
      contexts: [.upstream, .defaults],
      summary: "What is shown to those that ask for a certificate.",
      example: "{ cert = \"rsp.crt\", key = \"rsp.key\" }"),
    OptionRule(
      name: "proxy_protocol", kind: .special(.proxyProtocol), contexts: [.upstream],
      summary: "Connections to the servers begin with a PROXY header of this version, which tells "
        + "them the client's address; version 2 also tells what TLS with the client is about.",
      example: "2"),
  ]

  static let site: [OptionRule<SiteOptions>] = [
    OptionRule(
      name: "passthrough", kind: .special(.passthrough), contexts: [.site],
      summary: "TLS connections for the site's names are passed on to a server of an upstream, or "
        + "to an address, as they are: the server has the certificate, and rsp sees nothing but "
        + "the name.",
      example: "\"secure\"")
  ]

  static let acme: [OptionRule<ACMEOptions>] = [
    OptionRule(
      name: "email", kind: .special(.email), contexts: [.acme],
      summary: "Where the authority writes to when something is wrong.",
      example: "\"admin@example.com\""),
    OptionRule(
      name: "directory", kind: .special(.directory), contexts: [.acme],
      summary: "The authority: the URL of its directory.",
      example: "\"https://acme-staging-v02.api.letsencrypt.org/directory\""),
    OptionRule(
      name: "ca", kind: .special(.file(\.ca)), contexts: [.acme],
      summary: "What the authority's own certificate is verified against, in place of the "
        + "system's authorities.",
      example: "\"internal-ca.pem\""),
    OptionRule(
      name: "challenges", kind: .special(.challenges), contexts: [.acme],
      summary: "How it is proved that names are ours: in a TLS handshake on port 443, or by a file "
        + "on port 80.",
      example: "\"http-01\""),
    OptionRule(
      name: "folder", kind: .special(.folder), contexts: [.acme],
      summary: "Where the account, the keys and the certificates are kept, for the owner alone to "
        + "read.",
      example: "\"/srv/rsp\""),
  ]
}
