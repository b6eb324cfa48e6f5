// The names of the variables and what each means: the reference that people read is made of this.

/// A name as it stands after a "$", and what it stands for.
package struct TemplateVariableName: Sendable {
  package let name: String
  package let variable: TemplateVariable
  package let meaning: String

  fileprivate init(_ name: String, _ variable: TemplateVariable, _ meaning: String) {
    self.name = name
    self.variable = variable
    self.meaning = meaning
  }
}

extension TemplateVariable {
  /// The variables of fixed names, sorted; a mistaken name is best compared with these.
  package static let names: [TemplateVariableName] = [
    .init("args", .query, "the query, without its \"?\""),
    .init("client_address", .remoteAddress, "the same as $remote_addr"),
    .init("host", .host, "the host asked for, in small letters, without its port"),
    .init("hostname", .hostname, "the name of this machine"),
    .init("https", .https, "\"on\" over TLS, otherwise empty"),
    .init("is_args", .isArgs, "\"?\" if there is a query, otherwise empty"),
    .init("msec", .milliseconds, "seconds since 1970, with milliseconds"),
    .init(
      "proxy_add_x_forwarded_for", .forwardedFor,
      "X-Forwarded-For as it is sent on: what a trusted peer sent, and the peer"),
    .init("proxy_host", .proxyHost, "the upstream's name and port, as they stand in proxy"),
    .init("query_string", .query, "the same as $args"),
    .init("realip_remote_addr", .peerAddress, "the address of the connection's other end"),
    .init(
      "remote_addr", .remoteAddress,
      "the client's address; behind trusted proxies what they say it is"),
    .init("remote_port", .remotePort, "the port of the connection's other end"),
    .init("request_id", .requestID, "the request's identifier, as in X-Request-ID"),
    .init("request_method", .requestMethod, "the method, such as GET"),
    .init("request_uri", .requestURI, "the path and query as they came"),
    .init("scheme", .scheme, "http or https"),
    .init("server_addr", .serverAddress, "the address of this end of the connection"),
    .init("server_name", .serverName, "the first name of the site"),
    .init("server_port", .serverPort, "the port of this end of the connection"),
    .init("server_protocol", .serverProtocol, "HTTP/1.0, HTTP/1.1 or HTTP/2.0"),
    .init("ssl_cipher", .tlsCipher, "the TLS cipher suite towards the client"),
    .init(
      "ssl_client_s_dn", .tlsClientSubject,
      "the subject of the client's certificate (RFC 2253), otherwise empty"),
    .init(
      "ssl_client_verify", .tlsClientVerify,
      "SUCCESS, FAILED:reason, or NONE where the client has shown no certificate"),
    .init("ssl_protocol", .tlsProtocol, "the TLS version towards the client, such as TLSv1.3"),
    .init("ssl_server_name", .tlsServerName, "the name the client asked for by SNI"),
    .init(
      "ssl_session_reused", .tlsSessionReused,
      "\"r\" when a TLS session was resumed, else \".\""),
    .init("status", .status, "the status of the response"),
    .init("time_iso8601", .timeISO8601, "now, as 2026-01-31T12:00:00+00:00"),
    .init("upstream_addr", .upstreamAddress, "the address of the server that answered"),
    .init("uri", .uri, "the path in its normal form, without the query; escapes stay escapes"),
  ]

  /// The variables whose names go on with one of their own: `$http_user_agent`, `$arg_page`.
  package static let families: [TemplateVariableName] = [
    .init("arg_", .argument, "a parameter of the query, as it came; its case counts"),
    .init("cookie_", .cookie, "a cookie of the request; its case counts"),
    .init("http_", .field, "a field of the request, with _ for -, in any case"),
    .init("sent_http_", .responseField, "a field of the response, with _ for -, in any case"),
  ]
}
