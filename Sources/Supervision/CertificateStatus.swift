// Certificates as `rsp status` tells them.
import IO
import JSON
import TLS

extension CertificateKeeper {
  /// How many certificates are told one by one, those that end first.
  static let mostInStatus = 1000

  /// Adds what there is to tell; nothing where no certificate is asked for.
  func add(to status: inout JSON, now: Int = Process.unixSeconds) {
    if demand.lists.isEmpty { return }
    let all = certificates.sorted { $0.validity.upperBound < $1.validity.upperBound }
    status.append("certificate_count", .integer(all.count))
    status.append("certificates", .array(all.prefix(Self.mostInStatus).map { json($0, now) }))
    status.append("certificate_problems", .array(problems.map { .string($0) }))
  }

  private func json(_ certificate: Certificate, _ now: Int) -> JSON {
    [
      "names": .array(certificate.names.texts.map { .string($0) }),
      "source": .string(certificate.source), "key": .string(certificate.keyKind.name),
      "not_before": .integer(certificate.validity.lowerBound),
      "not_after": .integer(certificate.validity.upperBound),
      "days_left": .integer((certificate.validity.upperBound - now) / 86_400),
      "expired": .bool(certificate.validity.upperBound < now),
      "stapled": .bool(certificate.staple.map { now < $0.until } ?? false),
      "fingerprint": .string(Hexadecimal.text(certificate.fingerprint)),
    ]
  }
}
