// Which servers an upstream has: the configuration says so, the DNS, and the operator.
import Balancing
import Configuration
import IO

extension UpstreamPlan {
  /// Makes everything anew that follows from the configuration.
  func configure() {
    var members: [Member] = []
    var isAwaited = false
    for server in configuration.servers {
      if let member = Member(server) {
        members.append(member)
      } else if server.address.isName {
        let known = known(server)
        members += known
        if known.isEmpty { isAwaited = true }
      }
    }
    awaitsNames = isAwaited
    setMembers(members)
  }

  /// The DNS has spoken: the whole list, resolved and numeric together. Somebody follows the names for
  /// all workers (Supervision); at a start this may come a moment after the first requests.
  func follow(_ members: [Member]) {
    awaitsNames = false
    setMembers(members)
  }

  /// The members that a name has as far as is known: what the DNS said stays until it says something
  /// else.
  func known(_ server: ServerConfiguration) -> [Member] {
    let name = server.address.description
    return servers.lazy.map(\.member).filter { $0.name == name }.map { member in
      var member = member
      // The records of a service give each server its own weight.
      if case .name = server.address { member.weight = server.weight }
      member.isBackup = server.isBackup
      member.maxConnections = server.maxConnections
      return member
    }
  }

  /// Puts other members in the place of the present ones. Those that stay keep their connections,
  /// what is known of their health, and their counts.
  func setMembers(_ members: [Member]) {
    let now = context.now
    let limited = members.contains { $0.maxConnections != nil }
    line = limited ? line ?? context.commons.places.line(of: name) : nil
    var old: [UInt64: UpstreamServer] = [:]
    for server in servers { old[server.identity] = server }
    var known: Set<UInt64> = []
    var new: [UpstreamServer] = []
    for member in members {
      let identity = member.identity
      // A server that is named twice is one.
      guard known.insert(identity).inserted else { continue }
      let server = old[identity] ?? UpstreamServer(member, options, context)
      server.adopt(member, options, line)
      server.index = new.count
      new.append(server)
    }
    for server in servers where !known.contains(server.identity) { server.retire() }
    servers = new
    rebuildBalancer(at: now)
    for server in new where old[server.identity] == nil {
      let wish = wishes[server.member.address.description] ?? wishes[server.member.name]
      if let wish { balancer.set(wish, for: server.index, at: now) }
    }
    sticky = StickyCookies(self)
    wakeAll()
  }

  private func rebuildBalancer(at now: Milliseconds) {
    let old = balancer
    // Where there is no other server, nothing is gained by putting one out.
    var policy = options.health
    if servers.count < 2 { (policy.failuresInRow, policy.breaker) = (0, nil) }
    balancer = Balancer(
      options.balance, servers: servers.map(\.state), policy: policy, seed: context.random.next())
    balancer.adopt(old, hasChecks: options.healthCheck != nil, at: now)
  }

  // MARK: The operator

  /// Notes what the operator wants of a server, by its name or its address.
  ///
  /// - Returns: how many servers it is about.
  func administer(_ wish: Administrative, _ text: String) -> Int {
    let matching = servers.filter {
      $0.member.name == text || $0.member.address.description == text
    }
    let isName = configuration.servers.contains { $0.address.description == text }
    guard isName || !matching.isEmpty else { return 0 }
    wishes[text] = wish
    for server in matching {
      let address = server.member.address.description
      // What is said of a name is said of all its addresses.
      if address != text, server.member.name == text { wishes[address] = nil }
      balancer.set(wish, for: server.index, at: context.now)
      if wish == .down { server.closeIdle() }
    }
    // A server is up unless something else was said of it, or of its name.
    if wish == .up, matching.allSatisfy({ wishes[$0.member.name] ?? .up == .up }) {
      wishes[text] = nil
    }
    wakeAll()
    return matching.count
  }

  /// What this worker knows of it.
  var status: UpstreamStatus {
    let now = context.now
    let list = zip(servers, balancer.servers).map { server, state in
      UpstreamStatus.Server(
        member: server.member, state: state.health.availability(at: now),
        administrative: state.health.administrative,
        isPassingChecks: state.health.isPassingChecks, inFlight: Int(state.inFlight),
        idleConnections: server.idleCount, requests: server.requests,
        failures: server.failures,
        latencyMicroseconds: Int(state.latency.current(at: now)))
    }
    return UpstreamStatus(
      name: name, algorithm: balancer.algorithm, servers: list, queued: waiters.count)
  }
}

extension ServerAddress {
  /// Whether the DNS says which servers it stands for.
  var isName: Bool {
    switch self {
    case .ip, .unix: false
    case .name, .service: true
    }
  }
}

extension Member {
  /// The member that a numeric or Unix address stands for; nil for a name.
  package init?(_ server: ServerConfiguration) {
    let address: SocketAddress
    switch server.address {
    case .unix(let path): address = .unix(path)
    case .ip(let host, let port):
      guard let numeric = SocketAddress(numeric: host, port: port) else { return nil }
      address = numeric
    case .name, .service: return nil
    }
    self.init(server, at: address)
  }

  /// The member that a configured server is at one of its addresses.
  package init(_ server: ServerConfiguration, at address: SocketAddress) {
    self.init(
      name: server.address.description, address: address, isTLS: server.isTLS,
      weight: server.weight, isBackup: server.isBackup, maxConnections: server.maxConnections)
  }
}
