// Which names `certificates = "auto"` is about.
import Routing

extension Configuration {
  /// The names of sites, in small letters, that certificates are got for: each once, in the order of
  /// the sites. None without a listener that asks for it.
  package var automaticNames: [String] {
    guard hasAutomaticCertificates else { return [] }
    var seen: Set<HostName> = []
    var names: [String] = []
    for site in sites where site.passthrough == nil {
      for name in site.names where name.canBeCertified && seen.insert(name).inserted {
        names.append(name.description)
      }
    }
    return names
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
