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
  /// Milliseconds for which one name's failure counts for all, if it is the authority's.
  static let outagePause: (down: Int64, limited: Int64) = (4000, 60_000)
  /// Milliseconds between two lines of the log about failures.
  static let complaintPause: Int64 = 200

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
  let show: (ChallengeTable) async -> Void
  /// Is told when there is a certificate that clients are to be shown.
  let renewed: () async -> Void
  var settings: Settings?
  private(set) var folder: StateFolder?
  var authority: Authority?
  /// Whose turn it is to read the directory and make the account.
  let turns = Turns()
  /// Whose turn it is to show workers the answers to challenges.
  let publications = Turns()
  var random = SystemRandomNumberGenerator()
  private(set) var certificates: [Int: AutomaticCertificate] = [:]
  private var numbers: [String: Int] = [:]
  private var nextNumber = 0
  /// What clients are shown for each name: its certificate, or one that is signed by itself.
  var inUse: [String: Certificate] = [:]
  var ordering: Set<String> = []
  var challenges: [ChallengeResponse] = []
  private var isStopped = false
  /// While the authority cannot be asked, or does not want to be, names fail without asking it.
  var outage: Outage?
  var complaints = LogLimiter(milliseconds: complaintPause)

  /// Why nobody asks the authority, and until when.
  struct Outage {
    var error: ACMEError
    var end: Moment
  }

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
    let settings = Settings(configuration)
    if settings.kinds.isEmpty {
      throw ReloadError(messages: [
        "certificates = \"auto\": the challenge http-01 needs a listener without TLS, and there is none"
      ])
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
    if let kept = inUse[name], kept.source != Certificate.selfSigned {
      certificate.take(kept, random: &random)
    }
    return certificate
  }

  // MARK: What clients are shown

  /// Seconds for which it is valid. The authority's is to come within a minute; a certificate from a
  /// file is valid longer, so that it is preferred.
  private static let makeshiftValidity = 7 * 86_400

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
      if let known = inUse[name], !Self.isStale(known) { return known }
      let certificate = kept.certificate(for: name) ?? Self.selfSigned(name)
      inUse[name] = certificate
      return certificate
    }
  }

  private static func isStale(_ certificate: Certificate) -> Bool {
    certificate.source == Certificate.selfSigned
      && certificate.validity.upperBound < Process.unixSeconds
  }

  private static func selfSigned(_ name: String) -> Certificate? {
    let start = Process.unixSeconds - 3600
    return try? Certificate(
      selfSignedFor: SubjectNames(hosts: [name]), validity: start...start + makeshiftValidity)
  }
}

extension CertificateAuthority.Settings {
  /// The challenges that can be met.
  var kinds: [ChallengeKind] {
    options.challenges.compactMap { challenge in
      switch challenge {
      case .http01: hasPlainListener ? .http01 : nil
      case .tlsALPN01: .tlsALPN01
      }
    }
  }

  init(_ configuration: Configuration) {
    options = configuration.process.acme
    hasPlainListener = configuration.listeners.contains {
      $0.options.tls == nil && $0.service == .http
    }
    resolver = configuration.process.resolver
  }
}
