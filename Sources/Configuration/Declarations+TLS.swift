// What TLS, passing through and plain TCP ask of the rest of a configuration: options that need
// another beside them, sites that need a listener, and upstreams that cannot serve both.
import Routing
import Scripting

extension OptionSchema {
  /// Options of a listener that mean nothing without TLS.
  static let namesForTLS = [
    "ciphers", "client_ca", "client_verify", "handshake_timeout", "tls_min",
  ]
  /// Options of a listener that mean nothing where no HTTP is read.
  static let namesForHTTP = [
    "head_timeout", "keepalive_requests", "keepalive_time", "keepalive_timeout", "max_fields",
    "max_head", "max_line", "trusted",
  ]
  /// Options of an upstream that mean nothing without a server that speaks TLS.
  static let namesForTLSServers = ["ca", "client_certificate", "server_name", "verify"]
  /// Options of requests that also hold for tunnels.
  static let tunnelNames = route.filter { $0.contexts.contains(.listener) }.map(\.name)
}

extension LuaValue {
  /// Whether an option is set to something else than `false`, which is what stands there anyway.
  var isOn: Bool {
    if case .boolean(false) = self { false } else { true }
  }
}

extension Declarations {
  /// Complains about options of a listener that do not go together.
  func complainAboutService(
    of table: LuaTable, _ layer: OptionLayer<ListenerOptions>, _ subject: String,
    at location: LuaLocation
  ) {
    let asked = layer.applied(to: ListenerOptions()).asked
    func complain(_ names: [String], _ text: String) {
      for name in names where table[name]?.isOn == true {
        self.complain("\(subject): \(name) \(text)", at: location)
      }
    }
    if asked.tls == false, asked.certificates != nil {
      self.complain("\(subject): tls = false cannot stand beside certificates", at: location)
    }
    guard let target = asked.tcp else {
      complain(OptionSchema.tunnelNames, "on a listener needs tcp = \"NAME\" beside it")
      if !asked.speaksTLS {
        complain(OptionSchema.namesForTLS, "needs TLS (write certificates = \"certs/\" beside it)")
      } else if asked.settings.clientCA == nil {
        complain(["client_verify"], "needs client_ca beside it")
      }
      return
    }
    noteTarget(target, of: "tcp", at: location)
    complain(OptionSchema.namesForHTTP, "is about HTTP, and beside tcp no HTTP is read")
    complain(
      OptionSchema.namesForTLS + ["certificates", "tls"],
      "cannot stand beside tcp, which passes bytes on as they are")
  }

  /// Complains about what the whole configuration lacks for its listeners and sites.
  func complainAboutTLS() {
    let asking = listeners.map { $0.options.applied(to: ListenerOptions()).asked }
    let passed = sites.filter { $0.passthrough != nil }
    if !passed.isEmpty, !asking.contains(where: \.speaksTLS) {
      complain(
        "passthrough: no listener speaks TLS (write listen { \"443\", tls = true })",
        at: passed[0].location)
    }
    for (listener, asked) in zip(listeners, asking) where asked.speaksTLS {
      let subject = "listen \"\(listener.address)\""
      let sources = asked.certificates ?? []
      if sources.isEmpty, passed.isEmpty {
        complain(
          "\(subject): no certificates, and no site is passed through (write certificates = "
            + "\"certs/\")", at: listener.location)
      }
      let hasNames = sites.contains { site in
        site.passthrough == nil && site.names.contains { $0.kind == .exact }
      }
      if sources.contains(.automatic), !hasNames {
        complain(
          "\(subject): certificates = \"auto\" needs a site with an exact name; wildcards and "
            + "\"*\" are not asked for", at: listener.location)
      }
      if sources == [.automatic] { complainAboutWildcards(of: subject) }
    }
  }

  /// Complains about sites that no authority gives a certificate for in the ways that we know, where
  /// there is no other source of one.
  private func complainAboutWildcards(of subject: String) {
    for site in sites where site.passthrough == nil {
      guard let name = site.names.first(where: { $0.kind == .wildcard }) else { continue }
      complain(
        "site \"\(name)\": \(subject) has certificates = \"auto\", which gets none for a wildcard: "
          + "that takes the challenge dns-01; name a file beside it, as in "
          + "certificates = { \"auto\", \"wildcard.pem\" }", at: site.location)
    }
  }

  /// Complains about an upstream to whose servers bytes are passed on as they are, if it is made for
  /// requests.
  func complainAboutTunnel(
    to upstream: UpstreamConfiguration, from subject: String, at location: LuaLocation
  ) {
    let start = "\(subject): upstream \"\(upstream.name)\""
    if upstream.servers.contains(where: \.isTLS) {
      complain(
        "\(start) has servers with https://, and bytes are passed on as they are", at: location)
    }
    // What defaults say for all is not meant for these.
    guard let index = upstreamIndices[upstream.name] else { return }
    let own = upstreams[index].options.applied(to: UpstreamOptions())
    if own.sticky != nil {
      complain("\(start) is sticky by a cookie, and no HTTP is read here", at: location)
    }
    if own.hashKey != nil {
      complain(
        "\(start) hashes what is in a request, and no HTTP is read here (without hash = ... it is "
          + "the client's address)", at: location)
    }
  }
}
