// Servers that are configured by name. Somebody follows the names for all workers (Supervision) and
// sends the members; here requests wait for the first of these answers, which at a start may come a
// moment after them.
import Balancing
import Configuration
import IO

/// What is known of an upstream's names.
enum NameKnowledge: Equatable {
  /// All that will ever be, or the DNS has spoken at least once.
  case complete
  /// Nobody has heard of the DNS yet.
  case awaited
  /// This worker is asking.
  case asked
  /// This worker has asked, as nobody else does; the answer counts until then.
  case answered(until: Milliseconds)
}

extension UpstreamPlan {
  /// The DNS has spoken: the whole list, resolved and numeric together.
  func follow(_ members: [Member]) {
    names = .complete
    setMembers(members)
  }

  /// The configuration has changed.
  ///
  /// - Parameter isAwaited: it has names that nothing is known of.
  func resetNames(isAwaited: Bool) {
    let hasNames = configuration.servers.contains { $0.address.isName }
    if !hasNames {
      names = .complete
    } else if isAwaited {
      names = .awaited
    } else {
      names = context.commons.followsNames ? .complete : .answered(until: context.now)
    }
  }

  /// Whether it is worth waiting for servers that are not known yet.
  var awaitsNames: Bool { names == .awaited || names == .asked }

  /// Asks the DNS where nobody follows names for all workers. Whoever needs the answer waits.
  func askForNames() {
    if names == .complete || names == .asked || context.commons.followsNames { return }
    if case .answered(let until) = names, context.now < until { return }
    guard let worker = context.worker else { return }
    // A list that is known serves on until there is another.
    if names == .awaited { names = .asked } else { names = .answered(until: .max) }
    let name = name
    Task.immediate { await worker.lookUpNames(of: name) }
  }

  fileprivate func lookUp() async {
    var members: [Member] = []
    var hasFailed = false
    for server in configuration.servers {
      guard case .name(let host, let port) = server.address else {
        if let member = Member(server) { members.append(member) }
        continue
      }
      do {
        let deadline = reactor.now.advanced(by: 30_000)
        let addresses = try await context.resolver.addresses(of: host, port: port, until: deadline)
        members += addresses.map { Member(server, at: $0) }
      } catch {
        note("cannot resolve \(host): \(error)", at: reactor.now)
        hasFailed = true
        members += known(server)
      }
    }
    names = .answered(until: context.now + (hasFailed ? 1000 : 5000))
    if members != servers.map(\.member) { setMembers(members) } else { wakeAll() }
  }
}

extension Worker {
  /// Asks the DNS for the servers of an upstream.
  fileprivate func lookUpNames(of upstream: String) async {
    await state.plan.upstream(named: upstream)?.lookUp()
  }
}
