// What the supervisor does about servers: it has names followed and health checked, once for the
// process, and tells all workers what was found.
import Balancing
import Configuration
import IO
import Proxy

/// The watch over the servers of all upstreams. Loop-confined.
package final class ServerWatch {
  private let loop: EventLoop
  private let workers: [Worker]
  private var follower: NameFollower?
  private var checker: HealthChecker?
  private var upstreams: [String: UpstreamConfiguration] = [:]

  /// - Parameters:
  ///   - servers: the DNS servers as "address:port,..."; nil: those of /etc/resolv.conf.
  ///   - workers: who is told. They have to be made with `Commons(followsNames: true)`.
  package init(
    on reactor: Reactor, loop: EventLoop, servers: String? = nil, workers: [Worker]
  ) throws(SystemError) {
    self.loop = loop
    self.workers = workers
    follower = try NameFollower(on: reactor, loop: loop, servers: servers) {
      [weak self] upstream, members in self?.take(members, of: upstream)
    }
    checker = try HealthChecker(on: reactor, loop: loop) { [weak self] target, event in
      self?.tell(event, of: target)
    }
  }

  /// Watches the servers of a configuration that is in force from now on. What is known of those
  /// that stay is kept.
  package func update(
    _ configuration: Configuration, isolation: isolated (any Actor)? = #isolation
  ) {
    upstreams = [:]
    for upstream in configuration.upstreams where upstream.options.healthCheck != nil {
      upstreams[upstream.name] = upstream
    }
    follower?.ask(configuration.process.resolver)
    follower?.update(configuration.upstreams)
    checker?.update(
      configuration.upstreams.flatMap { upstream in
        let members = follower?.members(of: upstream.name)
        return targets(members ?? upstream.servers.flatMap { $0.members([]) }, of: upstream.name)
      })
  }

  /// Stops watching.
  package func stop(isolation: isolated (any Actor)? = #isolation) {
    upstreams = [:]
    follower?.update([])
    checker?.update([])
  }

  /// What checks have found of a server; nil when it is not checked.
  package func state(of identity: UInt64, in upstream: String) -> CheckState? {
    checker?.state(of: identity, in: upstream)
  }

  /// The members of upstreams with names, as far as they are known.
  package var known: [String: [Member]] { follower?.known ?? [:] }

  private func targets(_ members: [Member], of upstream: String) -> [CheckTarget] {
    guard let options = upstreams[upstream]?.options.healthCheck else { return [] }
    return members.map { CheckTarget(upstream: upstream, member: $0, options: options) }
  }

  // MARK: Findings. To each worker a task of its own: one that is busy does not hold up the others,
  // and to each of them the messages come in their order.

  private func take(
    _ members: [Member], of upstream: String, isolation: isolated (any Actor)? = #isolation
  ) {
    for worker in workers {
      Task.immediate(executorPreference: loop) { await worker.setMembers(members, of: upstream) }
    }
    checker?.update(targets(members, of: upstream), of: upstream)
  }

  private func tell(_ event: ActiveHealth.Event, of target: CheckTarget) {
    let (identity, upstream) = (target.member.identity, target.upstream)
    for worker in workers {
      Task.immediate(executorPreference: loop) {
        await worker.noteCheck(event, of: identity, in: upstream)
      }
    }
  }
}
