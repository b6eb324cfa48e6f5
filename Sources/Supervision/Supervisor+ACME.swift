// How the supervisor and the one who gets certificates work together: what workers are shown, what
// becomes of a certificate that has come, and what `rsp status` says of them.
import ACME
import Configuration
import IO
import JSON
import Proxy
import TLS

extension Supervisor {
  /// Makes the one who gets certificates, who does nothing yet.
  func startAuthority() throws(SystemError) {
    authority = try CertificateAuthority(on: reactor, loop: loop) { table in
      for worker in self.workers { await worker.show(table) }
    } renewed: {
      await self.showCertificates()
    }
  }

  /// Makes sure that certificates can be got for a configuration, without getting any.
  ///
  /// - Returns: what clients are shown for its names at first.
  /// - Throws: why the state folder or the account is of no use.
  func prepareAuthority(for new: Configuration) throws(ReloadError) -> [Certificate] {
    try CertificateAuthority.prepare(new)
    return authority?.shown(for: new) ?? []
  }

  /// Has clients be shown what is there now.
  private func showCertificates() async {
    guard let authority, !isStopping else { return }
    await takeAutomatic(authority.shown(for: configuration))
  }
}

extension CertificateAuthority {
  /// What is known of each name, in the order of names.
  var status: JSON {
    .array(certificates.values.sorted { $0.name < $1.name }.map(\.status))
  }
}

extension AutomaticCertificate {
  fileprivate var status: JSON {
    var json: JSON = ["name": .string(name), "state": .string(state)]
    if let certificate {
      json.append("not_after", .integer(certificate.validity.upperBound))
    }
    if let renewal { json.append("renewal", .integer(renewal)) }
    if let failure {
      json.append("next_attempt", .integer(failure.next))
      json.append("failures", .integer(backOff.failures))
      json.append("error", .string(failure.error.description))
    }
    return json
  }

  private var state: String {
    if isOrdering { return "ordering" }
    if failure != nil { return "failing" }
    return certificate == nil ? "awaited" : "valid"
  }
}
