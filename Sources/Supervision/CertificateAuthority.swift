// Keeps a certificate for every name of a site on listeners with `certificates = "auto"`: gets the
// first, renews it in time, and never asks the authority more often than it likes.
//
// Only names of the configuration are ever asked for, so nobody outside can cause an order. A name has
// one order at a time, all names together a few; a name that failed waits, twice as long each time. What
// has come is on the disk before it is used, so a restart asks for nothing again.
import ACME
import Configuration
import IO
import Proxy
import TLS
import Telemetry

/// Gets certificates for the process. Confined to the supervisor's thread.
final class CertificateAuthority {
  /// Orders under way at a time; the others are late, then.
  static let ordersAtOnce = 4
  /// Milliseconds before a name whose former order is still under way is looked at again.
  static let crowdedPause: Int64 = 1000

  /// What it is told.
  struct Settings: Equatable {
    var options: ACMEOptions
    /// Whether there is a listener that an authority finds the files of http-01 on.
    var hasPlainListener: Bool
    var resolver: String?
  }

  let reactor: Reactor
  private let timetable: Timetable
  /// Shows workers the answers to challenges; returns when all have them.
  private let show: (ChallengeTable) async -> Void
  /// Is told when there is a certificate that clients are to be shown.
  private let renewed: () async -> Void
  private var settings: Settings?
  private(set) var folder: StateFolder?
  private var authority: Authority?
  /// Whose turn it is to read the directory and make the account.
  private let turns = Turns()
  private var random = SystemRandomNumberGenerator()
  private(set) var certificates: [Int: AutomaticCertificate] = [:]
  private var numbers: [String: Int] = [:]
  private var nextNumber = 0
  /// What clients are shown for each name: its certificate, or one that is signed by itself.
  private var inUse: [String: Certificate] = [:]
  private var ordering: Set<String> = []
  private var challenges: [ChallengeResponse] = []
  private var isStopped = false

  init(
    on reactor: Reactor, loop: EventLoop, show: @escaping (ChallengeTable) async -> Void,
    renewed: @escaping () async -> Void
  ) throws(SystemError) {
    self.reactor = reactor
    self.show = show
    self.renewed = renewed
    timetable = try Timetable(on: reactor, loop: loop, atOnce: Self.ordersAtOnce)
    timetable.serve(self)
  }

  /// Makes sure that a configuration's state folder can be used; changes nothing else.
  static func prepare(_ configuration: Configuration) throws(ReloadError) {
    guard !configuration.automaticNames.isEmpty else { return }
    let folder = StateFolder(configuration.process.acme.folder)
    do throws(SystemError) { try folder.create() } catch {
      throw ReloadError(messages: [
        "the folder for certificates, \(folder.root.path), cannot be used: \(error)"
      ])
    }
    do throws(FolderError) {
      _ = try folder.accountKey(at: configuration.process.acme.directory)
    } catch {
      throw ReloadError(messages: ["the account of the authority: \(error)"])
    }
    let ca = configuration.process.acme.ca
    do throws(OpenSSLError) { _ = try HTTPClient.context(ca: ca) } catch {
      throw ReloadError(messages: [
        "the authorities of \(ca ?? "the system"), for ACME: \(error)"
      ])
    }
  }

  /// Looks after the names of a configuration from now on. Names that stay keep what is known of them,
  /// and their orders go on.
  func update(
    _ configuration: Configuration, isolation: isolated (any Actor)? = #isolation
  ) {
    let names = isStopped ? [] : configuration.automaticNames
    if !names.isEmpty { adopt(Settings(configuration)) }
    var old = numbers
    numbers = [:]
    var new: [Int] = []
    for name in names {
      if let known = old.removeValue(forKey: name), let certificate = certificates[known] {
        numbers[name] = known
        // A new authority is no less worth an attempt for what the old one said.
        guard authority == nil, certificate.failure != nil else { continue }
        certificates[known] = nil
      }
      nextNumber += 1
      numbers[name] = nextNumber
      certificates[nextNumber] = load(name, nextNumber)
      new.append(nextNumber)
    }
    for gone in old.values { certificates[gone] = nil }
    inUse = inUse.filter { numbers[$0.key] != nil }
    if authority == nil { authority = makeAuthority() }
    timetable.keep { certificates[$0] != nil }
    let now = Process.unixSeconds
    for number in new { timetable.add(number, in: certificates[number]?.pause(at: now) ?? 0) }
  }

  /// Begins nothing any more: the process ends, or another has taken over.
  func stop() {
    isStopped = true
    certificates = [:]
    numbers = [:]
    timetable.keep { _ in false }
  }

  private func adopt(_ new: Settings) {
    guard new != settings else { return }
    settings = new
    authority = nil
    let path = StateFolder(new.options.folder)
    if folder != path {
      // Other certificates, or none.
      (certificates, numbers) = ([:], [:])
    }
    folder = path
  }

  private func makeAuthority() -> Authority? {
    guard let settings, let folder else { return nil }
    let options = settings.options
    // `prepare` has made sure that there are both.
    guard let key = try? folder.accountKey(at: options.directory),
      let context = try? HTTPClient.context(ca: options.ca)
    else { return nil }
    let client = HTTPClient(
      on: reactor, resolver: Resolver(on: reactor, servers: settings.resolver), context)
    return Authority(
      directory: options.directory, email: options.email, key: key, client: client)
  }

  private func load(_ name: String, _ number: Int) -> AutomaticCertificate {
    let certificate = AutomaticCertificate(name, number: number)
    if let kept = inUse[name], kept.source != Self.makeshift {
      certificate.take(kept, random: &random)
    }
    return certificate
  }

  // MARK: What clients are shown

  /// The source of a certificate that no authority has signed, as `Certificate` names it.
  private static let makeshift = "self-signed"
  /// Seconds for which it is valid; the authority's is to come within a minute.
  private static let makeshiftValidity = 365 * 86_400

  /// The certificates for the names of a configuration, as they are in its state folder; where there is
  /// none, one that is signed by itself, so that there is a handshake for the authority to see, and
  /// for people who know what they do.
  func shown(for configuration: Configuration) -> [Certificate] {
    let names = configuration.automaticNames
    guard !names.isEmpty else { return [] }
    let path = configuration.process.acme.folder
    let kept = StateFolder(path)
    if let folder, folder != kept { inUse = [:] }
    return names.compactMap { name in
      if let known = inUse[name] { return known }
      let certificate = kept.certificate(for: name) ?? Self.selfSigned(name)
      inUse[name] = certificate
      return certificate
    }
  }

  private static func selfSigned(_ name: String) -> Certificate? {
    let start = Process.unixSeconds - 3600
    return try? Certificate(
      selfSignedFor: SubjectNames(hosts: [name]), validity: start...start + makeshiftValidity)
  }

  // MARK: Orders

  private func order(_ certificate: AutomaticCertificate) async throws(ACMEError) {
    guard let authority, let folder else { throw .library("there is no account") }
    await turns.take()
    do throws(ACMEError) { try await authority.prepare() } catch {
      turns.pass()
      throw error
    }
    turns.pass()
    let issuance = try Issuance(at: authority, self, on: reactor)
    let issued = try await issuance.run(
      for: certificate.name, by: kinds(for: certificate),
      source: folder.path(ofCertificateFor: certificate.name))
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

  /// The challenges that can be met, the one to try first in front.
  private func kinds(for certificate: AutomaticCertificate) -> [ChallengeKind] {
    let wanted = (settings?.options.challenges ?? []).compactMap { challenge -> ChallengeKind? in
      switch challenge {
      case .http01: settings?.hasPlainListener == true ? .http01 : nil
      case .tlsALPN01: .tlsALPN01
      }
    }
    guard !wanted.isEmpty else { return wanted }
    let first = certificate.unmetChallenges % wanted.count
    return Array(wanted[first...] + wanted[..<first])
  }

  private func note(_ error: ACMEError, _ certificate: AutomaticCertificate) -> Int64 {
    if case .invalid = error { certificate.unmetChallenges += 1 }
    let pause = certificate.backOff.pause(after: error, random: &random)
    certificate.failure = (error, Process.unixSeconds + Int(pause / 1000))
    Log.warning(
      "no certificate for \(certificate.name): \(error); the next attempt is in "
        + (pause < 120_000 ? "\(pause / 1000) s" : "\(pause / 60_000) min"))
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

  private func publish() async {
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

extension CertificateAuthority.Settings {
  init(_ configuration: Configuration) {
    options = configuration.process.acme
    hasPlainListener = configuration.listeners.contains {
      $0.options.tls == nil && $0.service == .http
    }
    resolver = configuration.process.resolver
  }
}
