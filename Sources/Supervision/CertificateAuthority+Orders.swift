// One attempt to get a certificate, and what becomes of it: when it is made, what the authority is shown
// meanwhile, and how long a name waits after a failure.
import ACME
import IO
import Proxy
import TLS
import Telemetry

extension CertificateAuthority {
  func order(_ certificate: AutomaticCertificate) async throws(ACMEError) {
    guard let authority, let folder else { throw .library("there is no account") }
    let source = folder.path(ofCertificateFor: certificate.name)
    let kinds = Self.turned(settings?.kinds ?? [], by: certificate.unmetChallenges)
    var issued: Certificate?
    do throws(ACMEError) {
      try await prepare(authority)
      issued = try await Issuance(at: authority, self, on: reactor)
        .run(for: certificate.name, by: kinds, source: source)
    } catch {
      guard error.isOfAccount else { throw error }
      // It has forgotten us: one more try, as somebody new.
      try await prepare(authority)
      issued = try await Issuance(at: authority, self, on: reactor)
        .run(for: certificate.name, by: kinds, source: source)
    }
    guard let issued else { return }
    do throws(SystemError) { try folder.write(issued, for: certificate.name) } catch {
      throw .library("cannot write \(folder.path(ofCertificateFor: certificate.name)): \(error)")
    }
    guard certificates[certificate.number] === certificate else { return }
    inUse[certificate.name] = issued
    certificate.take(issued, random: &random)
    let days = (issued.validity.upperBound - Process.unixSeconds) / 86400
    Log.info("Got a certificate for \(certificate.name), good for \(days) days.")
    await renewed()
  }

  /// Has the directory read and the account made, once for all who wait for it.
  private func prepare(_ authority: Authority) async throws(ACMEError) {
    await turns.take()
    defer { turns.pass() }
    if let outage, reactor.now < outage.end { throw outage.error }
    try await authority.prepare()
    outage = nil
  }

  /// Another one in front for each time that the first was not met.
  static func turned(_ kinds: [ChallengeKind], by times: Int) -> [ChallengeKind] {
    let first = times % max(1, kinds.count)
    return Array(kinds[first...] + kinds[..<first])
  }

  private func note(_ error: ACMEError, _ certificate: AutomaticCertificate) -> Int64 {
    if case .invalid = error { certificate.unmetChallenges += 1 }
    if error.isOfAuthority, outage.map({ $0.end <= reactor.now }) ?? true {
      let pause = error.isTransient ? Self.outagePause.down : Self.outagePause.limited
      outage = Outage(error: error, end: reactor.now.advanced(by: pause))
    }
    authority?.refresh()
    let pause = certificate.backOff.pause(after: error, random: &random)
    certificate.failure = (error, Process.unixSeconds + Int(pause / 1000))
    if let suppressed = complaints.admit(at: reactor.now) {
      Log.warning(
        "no certificate for \(certificate.name): \(error); the next attempt is in "
          + (pause < 120_000 ? "\(pause / 1000) s" : "\(pause / 60_000) min")
          + LogLimiter.note(suppressed))
    }
    return pause
  }
}

extension CertificateAuthority: TimetableOwner {
  func perform(_ number: Int) async -> Int64? {
    guard let certificate = certificates[number] else { return nil }
    let pause = certificate.pause(at: Process.unixSeconds)
    if pause > 0 { return pause }
    // An order for the name from before a reload may not have ended yet.
    guard ordering.insert(certificate.name).inserted else { return Self.crowdedPause }
    certificate.isOrdering = true
    defer {
      ordering.remove(certificate.name)
      certificate.isOrdering = false
    }
    do throws(ACMEError) {
      try await order(certificate)
      guard certificates[number] === certificate else { return nil }
      return certificate.pause(at: Process.unixSeconds)
    } catch {
      guard certificates[number] === certificate else { return nil }
      return note(error, certificate)
    }
  }
}

extension CertificateAuthority: ChallengeResponder {
  func show(_ response: ChallengeResponse) async {
    challenges.append(response)
    await publish()
  }

  func withdraw(_ response: ChallengeResponse) async {
    challenges.removeAll { $0.token == response.token }
    await publish()
  }

  /// One after the other, so that no worker gets an old table after a new one.
  private func publish() async {
    await publications.take()
    defer { publications.pass() }
    var table = ChallengeTable()
    for response in challenges {
      if let certificate = response.certificate {
        table.certificates[response.name] = certificate
      } else {
        table.files[response.token] = response.keyAuthorization
      }
    }
    await show(table)
  }
}
