// `rsp status`: what the process is and what its workers know of the servers, added up.
import Balancing
import Configuration
import IO
import JSON
import Proxy

extension Supervisor {
  /// The state of everything, as one object.
  ///
  /// - Parameter allSites: list every site, not only those that are asked most.
  func status(allSites: Bool = false) async -> JSON {
    if isStopping { return .failure("rsp is stopping") }
    var connections = 0
    var upstreams: [UpstreamStatus] = []
    for worker in workers {
      connections += await worker.connectionCount()
      upstreams = Self.sum(upstreams, await worker.upstreamStatus())
    }
    var json: JSON = [
      "ok": true, "pid": .integer(Int(Process.id)), "started": .integer(startedAt),
      "configuration": launch.file.map { .string($0) } ?? .null,
      "generation": .integer(generation), "workers": .integer(workers.count),
      "connections": .integer(connections), "site_count": .integer(configuration.sites.count),
      "sites": await siteStatus(all: allSites, upstreams),
      "listeners": .array(configuration.listeners.map { .string("\($0.address)") }),
      "upstreams": .array(upstreams.map { self.json($0) }),
    ]
    certificates.add(to: &json)
    if let authority, !authority.certificates.isEmpty { json.append("acme", authority.status) }
    if let probation {
      let seconds = (probation.end.milliseconds - reactor.now.milliseconds) / 1000
      json.append("confirm_within", .integer(max(0, Int(seconds))))
    }
    if let lastReload {
      json.append(
        "last_reload",
        [
          "time": .integer(lastReload.unixSeconds), "ok": .bool(lastReload.messages.isEmpty),
          "error": .string(lastReload.messages.joined(separator: "\n")),
        ])
    }
    return json
  }

  /// Adds what one worker knows to what others know: counts are summed; of the states the worst is
  /// told, since it is the one that somebody looks for.
  static func sum(_ known: [UpstreamStatus], _ more: [UpstreamStatus]) -> [UpstreamStatus] {
    if known.isEmpty { return more }
    var sum = known
    for upstream in more {
      guard let at = sum.firstIndex(where: { $0.name == upstream.name }) else {
        sum.append(upstream)
        continue
      }
      sum[at].queued += upstream.queued
      for server in upstream.servers {
        if let place = sum[at].servers.firstIndex(where: { $0.member == server.member }) {
          sum[at].servers[place].add(server)
        } else {
          sum[at].servers.append(server)
        }
      }
    }
    return sum
  }

  private func json(_ upstream: UpstreamStatus) -> JSON {
    let servers = upstream.servers.map { json($0, of: upstream.name) }
    return [
      "name": .string(upstream.name), "state": .string(upstream.condition.name),
      "balance": .string(upstream.algorithm.rawValue), "queued": .integer(upstream.queued),
      "servers": .array(servers + unknownServers(of: upstream)),
    ]
  }

  /// The configured servers of which no address is known, since the DNS has not told any.
  private func unknownServers(of upstream: UpstreamStatus) -> [JSON] {
    let configured = configuration.upstreams.first { $0.name == upstream.name }?.servers ?? []
    let known = Set(upstream.servers.map(\.member.name))
    return configured.filter { !known.contains($0.address.description) }.map {
      [
        "name": .string($0.address.description), "address": .null, "state": "unresolved",
        "weight": .integer($0.weight), "backup": .bool($0.isBackup),
      ]
    }
  }

  private func json(_ server: UpstreamStatus.Server, of upstream: String) -> JSON {
    let failure = checker?.state(of: server.member.identity, in: upstream)?.failure
    return [
      "name": .string(server.member.name), "address": .string("\(server.member.address)"),
      "state": .string(server.state.name), "weight": .integer(server.member.weight),
      "backup": .bool(server.member.isBackup), "checks_pass": .bool(server.isPassingChecks),
      "check_failure": failure.map { .string($0.description) } ?? .null,
      "in_flight": .integer(server.inFlight), "idle": .integer(server.idleConnections),
      "requests": .integer(server.requests), "failures": .integer(server.failures),
      "latency_us": .integer(server.latencyMicroseconds),
    ]
  }
}

extension UpstreamStatus.Server {
  fileprivate mutating func add(_ other: Self) {
    let all = requests + other.requests
    if all > 0 {
      latencyMicroseconds =
        (latencyMicroseconds * requests + other.latencyMicroseconds * other.requests) / all
    }
    if other.state.badness > state.badness { state = other.state }
    isPassingChecks = isPassingChecks && other.isPassingChecks
    inFlight += other.inFlight
    idleConnections += other.idleConnections
    requests = all
    failures += other.failures
  }
}

extension Availability {
  /// As `rsp status` writes it.
  var name: String {
    switch self {
    case .up: "up"
    case .warming: "warming"
    case .onProbation: "probation"
    case .ejected: "ejected"
    case .failing: "failing"
    case .draining: "draining"
    case .down: "down"
    }
  }

  fileprivate var badness: Int {
    switch self {
    case .up: 0
    case .warming: 1
    case .onProbation: 2
    case .ejected: 3
    case .failing: 4
    case .draining: 5
    case .down: 6
    }
  }
}
