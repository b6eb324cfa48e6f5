// Which names `certificates = "auto"` is about, and which it cannot be about.
import Routing

extension Configuration {
  /// The names of sites, in small letters, that certificates are got for: each once, in the order of
  /// the sites. None without a listener that asks for it.
  package var automaticNames: [String] {
    guard hasAutomaticCertificates else { return [] }
    var seen: Set<HostName> = []
    return sites.lazy.filter { $0.passthrough == nil }.flatMap(\.names)
      .filter { $0.canBeCertified && seen.insert($0).inserted }.map(\.description)
  }

  /// What cannot be had by `certificates = "auto"`: nothing can be said of `*`, which is no name, and
  /// a wildcard would need the challenge dns-01. Where a listener has other certificates, too, the
  /// wildcard may be among them.
  var automaticMistakes: [(line: Int32, message: String)] {
    let automatic = listeners.filter { $0.options.tls?.certificates.contains(.automatic) == true }
    guard let listener = automatic.first else { return [] }
    var mistakes: [(line: Int32, message: String)] = []
    if automatic.contains(where: { $0.options.tls?.certificates == [.automatic] }) {
      for site in sites where site.passthrough == nil {
        for name in site.names where name.kind == .wildcard {
          mistakes.append(
            (
              site.line,
              "site \"\(name)\": certificates = \"auto\" gets no certificate for a wildcard, which "
                + "would need the challenge dns-01; name a file beside \"auto\""
            ))
        }
      }
    }
    if automaticNames.isEmpty {
      mistakes.append(
        (
          Int32(listener.line),
          "certificates = \"auto\" gets certificates for the names of sites, and no site has a name"
        ))
    }
    return mistakes
  }

  private var hasAutomaticCertificates: Bool {
    listeners.contains { $0.options.tls?.certificates.contains(.automatic) == true }
  }
}

extension HostName {
  /// Whether it is the name of one host: no wildcard, and no address, which only few authorities
  /// certify and under another kind of identifier (RFC 8738).
  fileprivate var canBeCertified: Bool {
    kind == .exact && InternetAddress(description) == nil && !description.hasPrefix("[")
  }
}
