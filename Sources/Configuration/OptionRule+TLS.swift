// The options of TLS towards clients and of what begins a connection: where certificates come from,
// who must show one, and whose PROXY header is believed.
import Routing
import Scripting

extension CertificateSource {
  /// Reads `"certs/"`, `"site.pem"`, `{ cert = "site.crt", key = "site.key" }` or `"auto"`.
  /// - Parameter folder: what relative paths are relative to.
  init(_ value: LuaValue, folder: String) throws(ValueError) {
    switch value {
    case .string("auto"): self = .automatic
    case .string(let text):
      let path = try pathOfFile(text, folder)
      if text.hasSuffix("/") {
        let trimmed = path.utf8.count > 1 ? String(path.dropLast()) : path
        self = .folder(trimmed)
      } else {
        self = SourceFile.isFolder(path) ? .folder(path) : .file(path)
      }
    case .table(let table): self = try Self.pair(table, folder)
    default: throw .expected(Self.expectation, value)
    }
  }

  static let expectation =
    "a folder, a PEM file, { cert = \"FILE\", key = \"FILE\" } or \"auto\""

  private static func pair(
    _ table: LuaTable, _ folder: String
  ) throws(ValueError) -> CertificateSource {
    guard table.elements.isEmpty, table.otherKeys.isEmpty else {
      throw ValueError("cert and key stand alone in their braces: { cert = ..., key = ... }")
    }
    let names = ["cert", "key"]
    for (name, _) in table.fields where !names.contains(name) {
      throw ValueError("unknown \"\(name)\"" + suggestion(for: name, among: names))
    }
    var paths: [String] = []
    for name in names {
      guard let value = table[name] else {
        throw ValueError("\(name) is missing (a PEM file that holds both is written alone)")
      }
      guard case .string(let text) = value else { throw .expected("the path of a PEM file", value) }
      paths.append(try pathOfFile(text, folder))
    }
    return .pair(certificate: paths[0], key: paths[1])
  }
}

/// The path of a file that a configuration names.
func pathOfFile(_ text: String, _ folder: String) throws(ValueError) -> String {
  guard !text.isEmpty, !text.utf8.contains(0) else { throw ValueError("\"\(text)\" is no path") }
  return SourceFile.path(text, in: folder)
}

extension OptionRule.Special {
  /// Where connections go that are passed on as they are.
  static func target(_ path: OptionRule.Path<String?>) -> Self {
    Self(
      syntax: "false, the name of an upstream, or an address", annotation: "false|string",
      show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(false): return { $0[keyPath: path] = nil }
        case .string(let target) where !target.isEmpty: return { $0[keyPath: path] = target }
        default: throw .expected("the name of an upstream or an address", value)
        }
      })
  }

  /// The path of a PEM file, or false for none.
  static func file(
    _ path: any (WritableKeyPath<Options, String?> & Sendable)
  ) -> Self {
    Self(
      syntax: "false or a PEM file", annotation: "false|string", show: { _ in "false" },
      parse: { value, folder throws(ValueError) in
        switch value {
        case .boolean(false): return { $0[keyPath: path] = nil }
        case .string(let text):
          let file = try pathOfFile(text, folder)
          return { $0[keyPath: path] = file }
        default: throw .expected("false or the path of a PEM file", value)
        }
      })
  }

  /// Networks, each an address or a CIDR.
  static func networks(_ value: LuaValue) throws(ValueError) -> CIDRSet {
    var networks = CIDRSet()
    for text in try value.strings("a network such as \"10.0.0.0/8\", or a list of them") {
      do throws(CIDRError) {
        try networks.insert(text)
      } catch {
        throw ValueError("\"\(text)\": \(error)")
      }
    }
    return networks
  }
}

extension OptionRule<ListenerOptions>.Special {
  /// nginx: `ssl_certificate`; HAProxy: `crt`.
  static var certificates: Self {
    Self(
      syntax:
        "false, a folder, a PEM file, { cert = ..., key = ... }, \"auto\", or a list of these",
      annotation: "false|string|rsp.CertificateFiles|(string|rsp.CertificateFiles)[]",
      show: { _ in "false" },
      parse: { value, folder throws(ValueError) in
        if case .boolean(false) = value { return { $0.asked.certificates = nil } }
        var values = [value]
        if case .table(let table) = value, table.fields.isEmpty, table.otherKeys.isEmpty {
          values = table.elements
        }
        var sources: [CertificateSource] = []
        for value in values {
          let source = try CertificateSource(value, folder: folder)
          guard !sources.contains(source) else { throw ValueError("\(value.shown) stands twice") }
          sources.append(source)
        }
        return { [sources] in $0.asked.certificates = sources }
      })
  }

  static var tls: Self {
    Self(
      syntax: "true or false", annotation: "boolean", show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        guard case .boolean(let isOn) = value else { throw .expected("true or false", value) }
        return { $0.asked.tls = isOn }
      })
  }

  /// nginx: `ssl_verify_client`; HAProxy: `verify`.
  static var clientVerify: Self {
    Self(
      syntax: "\"required\", \"optional\"", annotation: "\"required\"|\"optional\"",
      show: { $0.asked.settings.clientVerification == .required ? "\"required\"" : "\"optional\"" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .string("required"): return { $0.asked.settings.clientVerification = .required }
        case .string("optional"): return { $0.asked.settings.clientVerification = .optional }
        default: throw .expected("\"required\" or \"optional\"", value)
        }
      })
  }

  /// nginx: `ssl_protocols`; HAProxy: `ssl-min-ver`. Below 1.2 there is nothing: RFC 8996.
  static var tlsMinimum: Self {
    Self(
      syntax: "\"1.2\", \"1.3\"", annotation: "\"1.2\"|\"1.3\"",
      show: { $0.asked.settings.minimumVersion == .tls12 ? "\"1.2\"" : "\"1.3\"" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .string("1.2"): return { $0.asked.settings.minimumVersion = .tls12 }
        case .string("1.3"): return { $0.asked.settings.minimumVersion = .tls13 }
        default: throw .expected("\"1.2\" or \"1.3\"", value)
        }
      })
  }

  /// Bytes of a list of ciphers.
  static var longestCiphers: Int { 1024 }

  /// nginx: `ssl_ciphers`.
  static var ciphers: Self {
    Self(
      syntax: "false or a list as OpenSSL writes it", annotation: "false|string",
      show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(false): return { $0.asked.settings.ciphers = nil }
        case .string(let list)
        where !list.isEmpty && list.utf8.count <= longestCiphers
          && list.utf8.allSatisfy({ (0x21...0x7e).contains($0) }):
          return { $0.asked.settings.ciphers = list }
        default:
          throw .expected("false or a list such as \"ECDHE+AESGCM:ECDHE+CHACHA20\"", value)
        }
      })
  }

  /// nginx: `listen ... proxy_protocol` and `set_real_ip_from`; HAProxy: `accept-proxy`.
  static var proxyProtocol: Self {
    Self(
      syntax: "false or { from = networks }", annotation: "false|rsp.ProxyProtocol",
      show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        if case .boolean(false) = value { return { $0.proxyProtocol = nil } }
        guard case .table(let table) = value, table.elements.isEmpty, table.otherKeys.isEmpty else {
          throw .expected("{ from = \"10.0.0.0/8\" }, the proxies that may say it", value)
        }
        for (name, _) in table.fields where name != "from" {
          throw ValueError("unknown option \"\(name)\"" + suggestion(for: name, among: ["from"]))
        }
        guard let from = table["from"] else {
          throw ValueError("from is missing: the proxies that may say it, as \"10.0.0.0/8\"")
        }
        let peers: CIDRSet
        do throws(ValueError) { peers = try networks(from) } catch {
          throw ValueError("from: \(error.message)")
        }
        guard !peers.isEmpty else { throw ValueError("from: no network") }
        return { $0.proxyProtocol = peers }
      })
  }

  static var tcp: Self {
    target(\.asked.tcp)
  }
}

extension OptionRule<SiteOptions>.Special {
  static var passthrough: Self {
    target(\.passthrough)
  }
}

extension OptionRule<UpstreamOptions>.Special {
  /// nginx: `proxy_ssl_name`; HAProxy: `sni`, `verifyhost`.
  static var serverName: Self {
    Self(
      syntax: "false or a host name", annotation: "false|string", show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(false): return { $0.tls.serverName = nil }
        case .string(let name) where isHostName(name):
          return { $0.tls.serverName = name.lowercased() }
        default: throw .expected("false or a host name such as \"app.internal\"", value)
        }
      })
  }

  /// nginx: `proxy_ssl_certificate`.
  static var clientCertificate: Self {
    Self(
      syntax: "false, a PEM file or { cert = ..., key = ... }",
      annotation: "false|string|rsp.CertificateFiles", show: { _ in "false" },
      parse: { value, folder throws(ValueError) in
        if case .boolean(false) = value { return { $0.tls.clientCertificate = nil } }
        let source = try CertificateSource(value, folder: folder)
        switch source {
        case .file, .pair: return { $0.tls.clientCertificate = source }
        case .folder, .automatic:
          throw .expected("one certificate: a PEM file or { cert = ..., key = ... }", value)
        }
      })
  }

  /// HAProxy: `send-proxy`, `send-proxy-v2`.
  static var proxyProtocol: Self {
    Self(
      syntax: "false, 1 or 2", annotation: "false|1|2", show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(false): return { $0.proxyProtocol = nil }
        case .number(1): return { $0.proxyProtocol = .v1 }
        case .number(2): return { $0.proxyProtocol = .v2 }
        default: throw .expected("false, 1 or 2", value)
        }
      })
  }
}
