// Which certificate a name gets: the exact name first, then the wildcard of one label; ECDSA before RSA
// for clients that can, since its signature takes a fifteenth of the time; and among equals the one
// that is valid longest.
import Routing

/// A table from names to certificates. Immutable.
package struct CertificateIndex: Sendable {
  /// The names, for which the numbers are those of `choices`. An object, as an index is not copied.
  private final class Names: Sendable {
    let index: HostIndex

    init(_ index: consuming HostIndex) { self.index = index }
  }

  /// The best certificates for a name, as places in `certificates`; -1: none.
  private struct Choice: Sendable, Equatable {
    var ecdsa: Int32 = -1
    var rsa: Int32 = -1
    /// Of other kinds, which few clients take.
    var other: Int32 = -1
  }

  /// In the order of their sources.
  package let certificates: [Certificate]
  private let names: Names
  private var choices: [Choice] = []
  private var fallback = Choice()

  /// - Parameters:
  ///   - certificates: the first one is also for clients that name no server.
  ///   - now: seconds since 1970.
  package init(_ certificates: [Certificate], now: Int) {
    self.certificates = certificates
    var index = HostIndex(
      expecting: certificates.reduce(0) { $0 + $1.names.hosts.count })
    var named: [(place: Int, number: Int)] = []
    for (place, certificate) in certificates.enumerated() {
      for host in certificate.names.hosts {
        // A name that no client can send is no mistake of ours to tell.
        guard let name = try? HostName(host), name.kind != .any else { continue }
        let number = index.insert(name, index.count) ?? index.count - 1
        named.append((place, number))
      }
    }
    choices = Array(repeating: Choice(), count: index.count)
    names = Names(index)
    for (place, number) in named { consider(place, for: &choices[number], now) }
    guard let first = certificates.first else { return }
    // Its siblings of the other kind count as listed with it.
    for (place, certificate) in certificates.enumerated() where certificate.names == first.names {
      consider(place, for: &fallback, now)
    }
  }

  private func consider(_ place: Int, for choice: inout Choice, _ now: Int) {
    let kind = Self.slot(certificates[place].keyKind)
    let known = Int(choice[keyPath: kind])
    if known < 0 || isBetter(certificates[place], certificates[known], now) {
      choice[keyPath: kind] = Int32(place)
    }
  }

  private static func slot(_ kind: KeyKind) -> WritableKeyPath<Choice, Int32> {
    switch kind {
    case .ecdsa: \.ecdsa
    case .rsa: \.rsa
    case .ed25519, .other: \.other
    }
  }

  private func isBetter(_ new: Certificate, _ old: Certificate, _ now: Int) -> Bool {
    let (hasBegun, hadBegun) = (new.validity.lowerBound <= now, old.validity.lowerBound <= now)
    if hasBegun != hadBegun { return hasBegun }
    return new.validity.upperBound > old.validity.upperBound
  }

  /// Whether both would answer the same.
  package func isSame(as other: CertificateIndex) -> Bool {
    certificates.count == other.certificates.count && choices == other.choices
      && zip(certificates, other.certificates).allSatisfy { $0 === $1 }
  }

  /// The certificates that some client would be shown, in their order.
  package var chosen: [Certificate] {
    var places: Set<Int32> = []
    for choice in choices + [fallback] {
      places.formUnion([choice.ecdsa, choice.rsa, choice.other])
    }
    return certificates.indices.filter { places.contains(Int32($0)) }.map { certificates[$0] }
  }

  /// How many names there are.
  package var nameCount: Int { names.index.count }

  /// The certificate for a server name.
  ///
  /// - Parameters:
  ///   - name: as a ClientHello has it, of any case.
  ///   - ecdsa: whether the client verifies ECDSA signatures.
  /// - Returns: nil when no certificate is for this name.
  package func find(_ name: RawSpan, ecdsa: Bool) -> Certificate? {
    guard let found = names.index.match(name) else { return nil }
    if case .wildcard(let suffix) = found.by, !Self.isOneLabel(name, before: suffix) { return nil }
    return pick(choices[found.value], ecdsa)
  }

  /// The certificate for clients that name no server, or one that no certificate is for.
  package func standard(ecdsa: Bool) -> Certificate? { pick(fallback, ecdsa) }

  private func pick(_ choice: Choice, _ ecdsa: Bool) -> Certificate? {
    let order =
      ecdsa
      ? (choice.ecdsa, choice.rsa, choice.other) : (choice.rsa, choice.other, choice.ecdsa)
    let place = order.0 >= 0 ? order.0 : order.1 >= 0 ? order.1 : order.2
    return place < 0 ? nil : certificates[Int(place)]
  }

  /// Whether the first dot is where the wildcard's suffix begins (RFC 9525 6.3). There is no longer
  /// suffix in the table, so another wildcard would not fit either.
  private static func isOneLabel(_ name: RawSpan, before suffix: Int) -> Bool {
    var dot = 0
    while dot < name.byteCount, name.byte(dot) != UInt8(ascii: ".") { dot += 1 }
    let end = name.byteCount > 0 && name.byte(name.byteCount - 1) == UInt8(ascii: ".") ? 1 : 0
    return name.byteCount - end - dot == suffix
  }
}
