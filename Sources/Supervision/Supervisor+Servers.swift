// What the supervisor watches for all workers: where names lead to, and which servers are well. What it
// learns goes to every worker.
import Configuration
import IO
import Proxy
import Telemetry

extension Supervisor {
  /// Makes the health checker and the follower of names, which watch nothing yet.
  func startWatching() throws(SystemError) {
    follower = try NameFollower(on: reactor, loop: loop) { upstream, members in
      // While a configuration is put in force, the members go with it.
      if self.isCommitting { return }
      let wishes = self.wishes[upstream] ?? [:]
      self.tellWorkers { worker in
        await worker.setMembers(members, of: upstream)
        // A name that led nowhere when the operator spoke of it may lead somewhere now.
        for (server, wish) in wishes {
          _ = await worker.administer(wish, server: server, in: upstream)
        }
      }
      self.renewChecksSoon()
    }
    checker = try HealthChecker(on: reactor, loop: loop) { target, event in
      let identity = target.member.identity
      self.tellWorkers { await $0.noteCheck(event, of: identity, in: target.upstream) }
    }
  }

  /// Follows the names of a configuration from now on.
  ///
  /// - Returns: the members of upstreams as far as names are known.
  func follow(_ new: Configuration) -> [String: [Member]] {
    isCommitting = true
    defer { isCommitting = false }
    follower?.ask(new.process.resolver)
    follower?.update(new.upstreams)
    return follower?.known ?? [:]
  }

  /// Sends what the DNS has said while a configuration was put in force with these members.
  func catchUp(with members: [String: [Member]]) {
    for (upstream, present) in follower?.known ?? [:] where present != members[upstream] {
      tellWorkers { await $0.setMembers(present, of: upstream) }
    }
  }

  /// Checks the servers of the configuration in force, as many of them as are known.
  func renewChecks() {
    checksAreStale = false
    var targets: [CheckTarget] = []
    for upstream in configuration.upstreams {
      guard let options = upstream.options.healthCheck else { continue }
      let known = follower?.members(of: upstream.name)
      let members = known ?? upstream.servers.flatMap { $0.members([]) }
      for member in members {
        targets.append(
          CheckTarget(
            upstream: upstream.name, member: member, options: options,
            security: securities.upstreams[upstream.name],
            proxyProtocol: upstream.options.proxyProtocol))
      }
    }
    checker?.update(targets)
  }

  /// Once for all answers of the DNS that come in one turn.
  private func renewChecksSoon() {
    guard !checksAreStale else { return }
    checksAreStale = true
    Task.immediate {
      await self.reactor.yield()
      self.renewChecks()
    }
  }

  /// Sends every worker a message. Messages arrive in the order in which they were sent.
  private func tellWorkers(_ message: @escaping @Sendable (Worker) async -> Void) {
    for worker in workers {
      Task.immediate { await message(worker) }
    }
  }
}
