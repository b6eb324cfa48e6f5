// Certificates over time: files are looked at again and again, expiry is told early, and the keys of
// session tickets are changed.
import Configuration
import IO
import Proxy
import TLS
import Telemetry

extension Supervisor {
  /// The least time between two looks at the files (docs/decisions/0020).
  static let certificatePause: Int64 = 2000
  /// A look may take one part in so many of a core's time.
  static let certificateShare: Int64 = 100
  /// How often what is about to expire is told.
  static let expiryPause = 86_400

  /// What keeps a configuration that is in order as such from being put in force here: certificates
  /// and the user, for `rsp check`.
  package static func mistakes(outside configuration: Configuration) -> [String] {
    let draft = CertificateDraft(CertificateDemand(configuration))
    var mistakes = draft.errors.map(\.error.description)
    do throws(ReloadError) {
      _ = try Securities(of: configuration, by: CertificateKeeper())
    } catch {
      mistakes += error.messages
    }
    if let user = configuration.process.user {
      do throws(UserError) { _ = try UserIdentity(user) } catch {
        mistakes.append(error.description)
      }
    }
    return mistakes
  }

  /// Reads the certificates that a configuration asks for, without putting them in force.
  ///
  ///
  /// - Parameter automatic: those that an authority has sent, or what stands in for them.
  /// - Throws: what is wrong with those that are new.
  func draftCertificates(
    for new: Configuration, _ automatic: [Certificate]
  ) async throws(ReloadError) -> CertificateDraft {
    let draft = await readCertificates(CertificateDemand(new), automatic)
    let refusals = certificates.refusals(of: draft)
    if !refusals.isEmpty { throw ReloadError(messages: refusals) }
    return draft
  }

  private func readCertificates(
    _ demand: CertificateDemand, _ automatic: [Certificate]
  ) async -> CertificateDraft {
    if demand.lists.isEmpty { return CertificateDraft() }
    let reader = certificates.draft.reader
    return await Self.onThread(named: "rsp reader", of: loop) {
      CertificateDraft(demand, reader: reader, automatic: automatic)
    }
  }

  /// Looks after the certificates until the process ends. One task for all of it.
  func keepCertificates() {
    Task.immediate {
      guard let alarm = try? Alarm(on: self.reactor) else { return }
      var expiryTold = 0
      while !self.isStopping {
        let now = Process.unixSeconds
        if now >= expiryTold + Self.expiryPause, !self.certificates.demand.lists.isEmpty {
          expiryTold = now
          // What stands in for one that an authority is to send ends soon, and is not missed.
          let lasting = self.certificates.certificatesInUse.filter {
            $0.source != Certificate.selfSigned
          }
          Expiry.tell(lasting, now: now)
        }
        self.certificates.rotateTickets(now)
        let pause = await self.refreshCertificates()
        await alarm.sleep(until: self.reactor.now.advanced(by: pause))
      }
    }
  }

  /// Reads what has changed, and puts it in force.
  ///
  /// - Returns: in how many milliseconds to do so again.
  @discardableResult
  func refreshCertificates() async -> Int64 {
    let (demand, version) = (certificates.demand, certificates.version)
    if demand.lists.isEmpty { return Self.certificatePause }
    let draft = await readCertificates(demand, certificates.automatic)
    // A reload has been faster; the next look sees what it has left.
    if certificates.version == version {
      certificates.adopt(draft, for: demand)
    }
    return max(Self.certificatePause, draft.microseconds * Self.certificateShare / 1000)
  }

  /// Takes what an authority has sent, to be shown from now on for `certificates = "auto"`.
  package func takeAutomatic(_ sent: [Certificate]) async {
    certificates.setAutomatic(sent)
    await refreshCertificates()
  }
}

/// Telling in time that a certificate ends.
enum Expiry {
  /// Seconds before the end from which on it is told.
  static let warning = 14 * 86_400
  /// Lines for one day; what is more is counted.
  static let mostLines = 20

  /// What is to be told of certificates at a time, the most urgent first.
  static func lines(_ certificates: [Certificate], now: Int) -> [(isError: Bool, text: String)] {
    let ending = certificates.filter { $0.validity.upperBound <= now + warning }
      .sorted { $0.validity.upperBound < $1.validity.upperBound }
    var lines = ending.prefix(mostLines).map { certificate -> (isError: Bool, text: String) in
      let seconds = certificate.validity.upperBound - now
      let what = "\(certificate.source) (\(certificate.names.summary))"
      if seconds < 0 { return (true, "certificate: \(what) has expired") }
      let days = seconds / 86_400
      return (
        false, "certificate: \(what) expires in \(days) day\(days == 1 ? "" : "s")"
      )
    }
    if ending.count > mostLines {
      lines.append((false, "certificate: \(ending.count - mostLines) more expire soon or have"))
    }
    for certificate in certificates {
      guard let staple = certificate.staple, staple.until <= now else { continue }
      lines.append((false, "certificate: the OCSP response of \(certificate.source) is too old"))
    }
    return lines
  }

  static func tell(_ certificates: [Certificate], now: Int) {
    for (isError, text) in lines(certificates, now: now) {
      if isError { Log.error(text) } else { Log.warning(text) }
    }
  }
}
