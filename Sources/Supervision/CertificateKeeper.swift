// The certificates in force, and the keys of session tickets. Listeners hold a store; what changes is
// the table behind it, so nothing is dropped and nobody is told.
import Configuration
import IO
import TLS
import Telemetry

/// Confined to the supervisor's thread.
package final class CertificateKeeper {
  /// What is in force.
  private(set) var demand = CertificateDemand()
  private var stores: [[CertificateSource]: CertificateStore] = [:]
  private(set) var draft = CertificateDraft()
  /// What an authority has sent; for `.automatic`.
  private(set) var automatic: [Certificate] = []
  /// Whether no listener and no upstream has asked for any.
  var isUnused: Bool { stores.isEmpty }
  /// Counts what was put in force: a draft that was begun before is not what it should be.
  private(set) var version = 0
  /// Problems that were told, so that each is told once while it lasts.
  private var told: Set<String> = []
  /// Nil while no listener speaks TLS.
  private(set) var ticketKeys: TicketKeys?
  /// When the newest ticket key was made, in seconds since 1970.
  var ticketsRotated = 0

  package init() {}

  /// Certificates of the sources that a listener or an upstream names.
  ///
  /// - Returns: nil when there are no sources.
  package func store(for sources: [CertificateSource]) -> CertificateStore? {
    if sources.isEmpty { return nil }
    if let store = stores[sources] { return store }
    let store = CertificateStore()
    stores[sources] = store
    return store
  }

  /// The mistakes that keep a new configuration from being put in force. What is wrong with sources in
  /// force already is no reason: those go on with what they had.
  package func refusals(of draft: CertificateDraft) -> [String] {
    let known = Set(demand.lists.joined())
    return draft.errors.filter { !known.contains($0.source) }.map(\.error.description)
  }

  /// Puts a draft in force. Handshakes from now on choose from it.
  package func adopt(_ new: CertificateDraft, for demand: CertificateDemand) {
    for (sources, index) in new.indexes {
      guard let store = store(for: sources), !store.current.isSame(as: index) else { continue }
      store.replace(with: index)
    }
    stores = stores.filter { demand.lists.contains($0.key) }
    self.demand = demand
    draft = new
    if demand.lists.isEmpty { draft = CertificateDraft() }
    version += 1
    tell()
  }

  /// Puts what an authority has sent in place of what it had sent before.
  ///
  /// - Returns: nothing changes until a draft that was made with it is adopted.
  package func setAutomatic(_ certificates: [Certificate]) {
    automatic = certificates
    version += 1
  }

  /// The problems of the draft in force, for the log and `rsp status`.
  var problems: [String] { draft.errors.map(\.error.description) + draft.warnings }

  private func tell() {
    for (_, error) in draft.errors where !told.contains(error.description) {
      Log.error("certificate: \(error); what was there before stays in use")
    }
    for warning in draft.warnings where !told.contains(warning) {
      Log.warning("certificate: \(warning)")
    }
    told = Set(problems)
  }

  /// All certificates in force, each once.
  var certificates: [Certificate] {
    var seen: Set<ObjectIdentifier> = []
    return draft.indexes.values.flatMap(\.certificates).filter {
      seen.insert(ObjectIdentifier($0)).inserted
    }
  }

  /// Those that some client would be shown.
  var certificatesInUse: [Certificate] {
    var seen: Set<ObjectIdentifier> = []
    return draft.indexes.values.flatMap(\.chosen).filter {
      seen.insert(ObjectIdentifier($0)).inserted
    }
  }

  // MARK: Ticket keys

  /// The keys that the listeners' tickets are made with.
  ///
  /// - Throws: when the system has no random bytes.
  package func makeTicketKeys(
    inheriting keys: [UInt8] = [], from time: Int = 0
  ) throws(OpenSSLError) -> TicketKeys {
    if let ticketKeys { return ticketKeys }
    let made = try TicketKeys()
    ticketsRotated = Process.unixSeconds
    if !keys.isEmpty, time > 0 {
      made.adopt(keys)
      ticketsRotated = min(time, ticketsRotated)
    }
    ticketKeys = made
    return made
  }

  /// Makes a new key when the newest one is old enough.
  ///
  /// - Parameter now: seconds since 1970.
  func rotateTickets(_ now: Int) {
    guard let ticketKeys, now >= ticketsRotated + TicketKeys.period else { return }
    do throws(OpenSSLError) {
      try ticketKeys.rotate()
      ticketsRotated = now
    } catch {
      Log.error("cannot make a key for session tickets: \(error)")
    }
  }
}
