// A name in the DNS that servers are known by: the question, the last good answer, and what the
// answer makes of a server of the configuration.
import Configuration
import IO
import Proxy

/// What is asked of the DNS.
enum NameQuestion: Hashable {
  /// A and AAAA.
  case addresses(of: String)
  /// SRV, and the addresses of its targets.
  case services(of: String)

  /// Nil for a server whose address needs no question.
  init?(_ address: ServerAddress) {
    switch address {
    case .ip, .unix: return nil
    case .name(let host, _): self = .addresses(of: host)
    case .service(let name): self = .services(of: name)
    }
  }

  var name: String {
    switch self {
    case .addresses(let name), .services(let name): name
    }
  }
}

/// One server that the DNS tells of.
struct NamedServer: Hashable {
  /// Its port is 0 when the configuration has to say it.
  var address: SocketAddress
  /// What SRV says, in the range of the configuration's weights; nil otherwise.
  var weight: Int?
  /// Whether SRV prefers others to it.
  var isBackup = false
}

/// A name that is followed. Loop-confined.
final class FollowedName {
  let question: NameQuestion
  /// The upstreams that use it.
  var upstreams: [String] = []
  /// The last good answer, sorted, so that an answer in another order is no other answer; empty: there
  /// has been none.
  private(set) var servers: [NamedServer] = []
  /// The last good addresses of each target of a service.
  var targets: [String: [SocketAddress]] = [:]
  /// Whether the DNS has been heard, or not heard in time, at least once.
  var isSettled: Bool { failures > 0 || !servers.isEmpty }
  /// Failures in a row.
  var failures = 0
  /// When a failure was last logged.
  var complained: Moment?

  init(_ question: NameQuestion) { self.question = question }

  /// Takes in a good answer.
  ///
  /// - Returns: whether it says something new.
  func take(_ found: [NamedServer]) -> Bool {
    failures = 0
    complained = nil
    var seen: Set<SocketAddress> = []
    let sorted = found.filter { seen.insert($0.address).inserted }.sorted {
      $0.address.sortKey < $1.address.sortKey
    }
    guard sorted != servers else { return false }
    servers = sorted
    return true
  }

  /// The milliseconds after which a failed question is asked again: 1 s, 2 s, 4 s, then every 5 s.
  var pauseAfterFailure: Int64 { min(5000, 1000 << Int64(min(failures - 1, 3))) }
}

extension SocketAddress {
  /// IPv4 first, then by number.
  fileprivate var sortKey: (UInt64, UInt64, UInt16) {
    switch self {
    case .v4(let address, let port): (0, UInt64(address), port)
    case .v6(let high, let low, _, let port): (max(1, high), low, port)
    case .unix: (.max, .max, .max)
    }
  }

  func with(port: UInt16) -> SocketAddress {
    switch self {
    case .v4(let address, _): .v4(address, port: port)
    case .v6(let high, let low, let scope, _): .v6(high: high, low: low, scope: scope, port: port)
    case .unix: self
    }
  }
}

extension ServerConfiguration {
  /// The servers that it stands for now.
  ///
  /// - Parameter found: what the DNS says of its name, if it has one.
  func members(_ found: [NamedServer]) -> [Member] {
    switch address {
    case .ip, .unix:
      return Member(self).map { [$0] } ?? []
    case .name(_, let port):
      return found.map { Member(self, at: $0.address.with(port: port)) }
    case .service:
      return found.map {
        var member = Member(self, at: $0.address)
        member.weight = $0.weight ?? weight
        member.isBackup = isBackup || $0.isBackup
        return member
      }
    }
  }
}
