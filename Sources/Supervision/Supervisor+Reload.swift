// A reload: the new configuration is built completely beside the old, in every worker, and takes its
// place only when nothing can go wrong any more. Until then the old one is in force, untouched.
//
//     load and check -> prepare in every worker -> open new listeners -> commit in every worker
//          │                   │                        │
//          └───────────────────┴────────────────────────┴── a mistake: told, and nothing has changed
import Configuration
import Glibc
import IO
import Proxy
import Telemetry

/// Why a configuration is not in force: every message, ready to be shown.
package struct ReloadError: Error, Sendable, Equatable {
  package var messages: [String]

  package init(messages: [String]) { self.messages = messages }
}

/// What became of the last reload.
struct ReloadRecord {
  var unixSeconds: Int
  /// Empty when it is in force.
  var messages: [String]
}

/// A configuration that is in force for a time, unless it is confirmed.
final class Probation {
  let previous: Configuration
  /// When it ends.
  let end: Moment

  init(_ previous: Configuration, until end: Moment) {
    self.previous = previous
    self.end = end
  }
}

extension Supervisor {
  /// Reads the configuration file again and puts what it says in force.
  ///
  /// - Parameter probation: seconds after which the present configuration comes back unless somebody
  ///   confirms the new one; nil to keep it.
  /// - Throws: every reason why nothing has changed.
  package func reload(probation seconds: Int? = nil) async throws(ReloadError) {
    await turns.take()
    defer { turns.pass() }
    service.notify("RELOADING=1\nMONOTONIC_USEC=\(Process.monotonicMicroseconds)")
    do throws(ReloadError) {
      let new = try await load()
      let old = configuration
      try await apply(new)
      // The command line's word counts more, and does not change.
      if launch.control == nil, new.process.controlSocket != old.process.controlSocket {
        Log.warning("The changed control socket counts from the next start.")
      }
      if new.process.user != old.process.user {
        Log.warning("The changed user counts from the next start.")
      }
      // What an unconfirmed configuration would have gone back to is what this one goes back to.
      let previous = probation?.previous ?? old
      probation = nil
      if let seconds {
        begin(Probation(previous, until: reactor.now.advanced(by: Int64(seconds) * 1000)))
      }
      lastReload = ReloadRecord(unixSeconds: Process.unixSeconds, messages: [])
      Log.info("Reloaded: \(statusWords).")
      Memory.trim()
      service.notify("READY=1\nSTATUS=\(statusWords)")
    } catch {
      for message in error.messages { Log.error("reload: \(message)") }
      Log.error("The configuration in force stays.")
      lastReload = ReloadRecord(unixSeconds: Process.unixSeconds, messages: error.messages)
      service.notify("READY=1\nSTATUS=the last reload failed: \(error.messages.first ?? "")")
      throw error
    }
  }

  private func load() async throws(ReloadError) -> Configuration {
    guard !isStopping else { throw ReloadError(messages: ["rsp is stopping"]) }
    guard let path = launch.file else {
      throw ReloadError(messages: [
        "there is no configuration file to read: rsp was started with a port and a server"
      ])
    }
    let result = await Self.read(path, loop)
    do { return try result.get() } catch { throw ReloadError(messages: error.messages) }
  }

  /// Reads a file on a thread of its own: a large one takes seconds, in which servers are to be
  /// checked and commands to be answered.
  private nonisolated static func read(
    _ path: String, _ loop: EventLoop
  ) async -> Result<Configuration, ConfigurationError> {
    await onThread(named: "rsp reader", of: loop) {
      do throws(ConfigurationError) {
        return .success(try Configuration.load(path: path))
      } catch {
        return .failure(error)
      }
    }
  }

  /// Does some long work on a thread of its own, while this one goes on.
  ///
  /// - Parameter loop: where the caller goes on afterwards.
  nonisolated static func onThread<Product>(
    named name: String, of loop: EventLoop, _ work: @escaping @Sendable () -> sending Product
  ) async -> sending Product {
    var thread: ThreadBox?
    let product: Product = await withCheckedContinuation { whenDone in
      let body: @Sendable () -> Void = {
        loop.takeJobsOfThread()
        whenDone.resume(returning: work())
      }
      do { thread = ThreadBox(try Thread(named: name, body)) } catch { body() }
    }
    thread?.join()
    return product
  }

  /// Puts a configuration in force, in every worker or in none.
  ///
  /// - Precondition: it is the caller's turn, or the start.
  func apply(_ new: Configuration) async throws(ReloadError) {
    guard !isStopping else { throw ReloadError(messages: ["rsp is stopping"]) }
    guard new.workerCount == workers.count else {
      throw ReloadError(messages: [
        "the number of workers, now \(workers.count), changes at a restart or an upgrade only"
      ])
    }
    do throws(ReloadError) {
      let automatic = try prepareAuthority(for: new)
      let draft = try await draftCertificates(for: new, automatic)
      let securities = try Securities(
        of: new, by: certificates, inheriting: inheritance.ticketKeys,
        from: inheritance.ticketTime)
      try await prepare(new, securities)
      self.securities = securities
      var (listeners, commitments) = try listen(new)
      if generation == 0 { try becomeUser(new) }
      let members = follow(new)
      for index in commitments.indices { commitments[index].members = members }
      // Ours of the listeners that go, before the workers': see `stop`.
      swap(&self.listeners, &listeners)
      listeners = [:]
      configuration = new
      certificates.setAutomatic(automatic)
      certificates.adopt(draft, for: CertificateDemand(new))
      generation += 1
      await commit(commitments)
      catchUp(with: members)
      renewChecks()
      // At the start not before everything else is done: see `start`.
      if generation > 1 { authority?.update(new) }
      Log.level = launch.logLevel ?? new.logLevel
    } catch {
      for worker in workers { await worker.abandon() }
      throw error
    }
  }

  /// Has a plan built for every worker, all at the same time, on threads of their own: a worker has
  /// requests to serve meanwhile.
  private func prepare(
    _ new: Configuration, _ securities: Securities
  ) async throws(ReloadError) {
    let attempts = workers.map { worker in
      Task.immediate { () -> PlanError? in
        let tables = await Self.onThread(named: "rsp planner", of: loop) {
          () -> sending Result<PlanTables, PlanError> in
          do throws(PlanError) { return .success(try PlanTables(new)) } catch {
            return .failure(error)
          }
        }
        do throws(PlanError) {
          try await worker.prepare(new, tables.get(), securities.upstreams)
        } catch {
          return error
        }
        return nil
      }
    }
    var failure: PlanError?
    for attempt in attempts { failure = await attempt.value ?? failure }
    if let failure { throw ReloadError(messages: failure.messages) }
  }

  private func commit(_ commitments: [Commitment]) async {
    let tasks = zip(workers, commitments).map { worker, commitment in
      Task.immediate { await worker.commit(commitment) }
    }
    for task in tasks { await task.value }
  }

  // MARK: Listeners

  /// The listeners of the new configuration, with sockets opened for those that are new.
  private func listen(
    _ new: Configuration
  ) throws(ReloadError) -> (listeners: [ListenAddress: ListeningSockets], perWorker: [Commitment]) {
    var open: [ListenAddress: ListeningSockets] = [:]
    for listener in new.listeners {
      do throws(ListenError) {
        let known = listeners[listener.address]
        open[listener.address] = if let known { known } else { try openSockets(for: listener) }
      } catch {
        throw ReloadError(messages: [error.description])
      }
    }
    var perWorker: [Commitment] = []
    do throws(SystemError) {
      for index in workers.indices {
        perWorker.append(
          Commitment(
            listeners: [], maxConnections: max(1, new.connectionLimit / workers.count),
            tunnelTime: Int64(new.process.drainTimeoutMilliseconds)))
        for listener in new.listeners {
          let handover = try handover(listener, open[listener.address], toWorker: index)
          perWorker[index].listeners.append(handover)
        }
      }
    } catch {
      for socket in perWorker.flatMap(\.listeners).flatMap(\.sockets) {
        _ = Descriptor(adopting: socket)
      }
      throw ReloadError(messages: ["cannot listen: \(error)"])
    }
    return (open, perWorker)
  }

  private func openSockets(
    for listener: ListenerConfiguration
  ) throws(ListenError) -> ListeningSockets {
    if let sockets = try inheritance.take(listener, workers: workers.count) { return sockets }
    // Where we listen on the port already, at another address, the probe would find ourselves.
    let isOurs = listeners.keys.contains { $0.port == listener.address.port }
    return try ListeningSockets.open(
      listener, workers: workers.count, alone: !isOurs && !inheritance.holds(listener.address.port))
  }

  private func handover(
    _ listener: ListenerConfiguration, _ sockets: ListeningSockets?, toWorker index: Int
  ) throws(SystemError) -> ListenerHandover {
    var handover = ListenerHandover(address: listener.address, options: listener.options)
    handover.security = securities.listeners[listener.address]
    guard let sockets else { return handover }
    if let known = listeners[listener.address] {
      known.setBacklog(listener.options.backlog)
      return handover
    }
    handover.isShared = sockets.isShared
    handover.isBorrowed = sockets.isBorrowed
    handover.sockets = try sockets.duplicates(forWorker: index, of: workers.count)
    return handover
  }

  // MARK: Probation

  private func begin(_ probation: Probation) {
    self.probation = probation
    Task.immediate {
      guard let alarm = try? Alarm(on: self.reactor) else { return }
      await alarm.sleep(until: probation.end)
      guard self.probation === probation else { return }
      Log.warning("The new configuration was not confirmed in time.")
      try? await self.goBack(probation)
    }
  }

  /// Ends the probation of the configuration in force.
  ///
  /// - Returns: false when it is on none.
  package func confirm() -> Bool {
    guard probation != nil else { return false }
    probation = nil
    Log.info("The configuration in force is confirmed.")
    return true
  }

  /// Puts the configuration in force again that was before the one on probation.
  package func rollBack() async throws(ReloadError) {
    guard let probation else {
      throw ReloadError(messages: ["no configuration waits to be confirmed"])
    }
    try await goBack(probation)
  }

  private func goBack(_ probation: Probation) async throws(ReloadError) {
    await turns.take()
    defer { turns.pass() }
    guard self.probation === probation else { return }
    self.probation = nil
    do throws(ReloadError) {
      try await apply(probation.previous)
      Log.info("Went back to the configuration before: \(statusWords).")
      service.notify("STATUS=\(statusWords)")
    } catch {
      for message in error.messages { Log.error("cannot go back: \(message)") }
      throw error
    }
  }
}

extension Configuration {
  /// The level that the configuration asks for, in the log's own terms.
  package var logLevel: Log.Level { Log.Level(name: process.logLevel.name) ?? .info }

  /// How many workers there are to be.
  package var workerCount: Int { workers ?? Process.availableCores }

  /// How many clients may be connected at a time: by default what the descriptor limit allows, less a
  /// tenth for servers, and what the program itself needs.
  var connectionLimit: Int {
    if let limit = process.maxConnections { return limit }
    let descriptors = Process.descriptorLimit ?? 1024
    return max(1, descriptors - descriptors / 10 - 32)
  }
}

extension ListenAddress {
  /// 0 for a Unix socket.
  var port: UInt16 {
    switch self {
    case .any(let port), .ip(_, let port), .name(_, let port): port
    case .unix: 0
    }
  }
}
