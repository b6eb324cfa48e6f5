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
    } renewed: { name in
      self.certificateRenewed(for: name)
    }
  }

  /// A new certificate of a name is in the state folder.
  private func certificateRenewed(for name: String) {
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
