// The one who looks after the workers: starts them, gives them their configuration, the first as well
// as each later one, and ends them. It never touches a request.
//
// Its thread is the process's first one, with a loop of its own, so it can wait for sockets and moments
// as workers do. It talks to workers by their async methods only.
import Balancing
import Configuration
import IO
import Proxy
import Telemetry

/// How the process was started.
package struct Launch: Sendable {
  /// The configuration file, which each reload reads again; nil when the command line said it all.
  package var file: String?
  /// Log lines from this level on, whatever the configuration says.
  package var logLevel: Log.Level?
  /// The control socket's path, whatever the configuration says; empty for none.
  package var control: String?
  /// The program's path and the arguments it was started with, to start its successor.
  package var program: String?
  package var arguments: [String]

  package init(
    file: String?, logLevel: Log.Level? = nil, control: String? = nil, program: String? = nil,
    arguments: [String] = []
  ) {
    self.file = file
    self.logLevel = logLevel
    self.control = control
    self.program = program
    self.arguments = arguments
  }
}

/// The supervisor. Its state is confined to its thread, as a worker's is.
package actor Supervisor {
  package nonisolated let loop: EventLoop
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe loop.asUnownedSerialExecutor()
  }
  /// The file of the control socket, which is removed when the process ends.
  package nonisolated let controlFile = ControlFile()
  let launch: Launch
  let reactor: Reactor
  let workers: [Worker]
  /// What all workers have in common.
  let commons: Commons
  private var threads: [ThreadBox] = []
  private var runningWorkers = 0
  /// The configuration in force; the empty one until the start.
  var configuration = Configuration(listeners: [], upstreams: [], sites: [])
  var listeners: [ListenAddress: ListeningSockets] = [:]
  /// What TLS works with in the configuration that is in force, or is about to be.
  var securities = Securities()
  /// Sockets that others opened for us, until a listener is found for each.
  var inheritance: Inheritance
  /// What a reload on probation goes back to.
  var probation: Probation?
  /// How many configurations have been in force, and what became of the last attempt to load one.
  var generation = 0
  var lastReload: ReloadRecord?
  /// Whose turn it is to change the configuration: one at a time.
  let turns: Turns
  private(set) var isStopping = false
  var control: ControlSocket?
  /// The control socket that was opened while that was still allowed.
  var boundControl: (path: String, number: Int32)?
  var commandClients = 0
  /// Where names lead to, and which servers are well; nil until the start.
  var follower: NameFollower?
  var checker: HealthChecker?
  /// Who gets certificates for names; nil until the start.
  var authority: CertificateAuthority?
  var isCommitting = false
  var checksAreStale = false
  /// What the operator wants of servers, where it is not `up`: for those that names lead to later.
  var wishes: [String: [String: Administrative]] = [:]
  /// The certificates that are shown, and what sessions are taken up with.
  let certificates = CertificateKeeper()
  /// The successor that is being started.
  var succession: Succession?
  let startedAt = Process.unixSeconds
  let service = ServiceManager()

  package init(_ launch: Launch, workers count: Int, inheritance: Inheritance = Inheritance()) {
    let loop = EventLoop()
    self.loop = loop
    self.launch = launch
    self.inheritance = inheritance
    reactor = Reactor(for: loop)
    let commons = Commons(stickyKey: inheritance.stickyKey)
    self.commons = commons
    workers = (0..<count).map { _ in Worker(commons: commons) }
    turns = Turns()
  }

  /// Serves on the calling thread until the process has been told to stop and has done its work.
  ///
  /// - Throws: why it could not start.
  package nonisolated func run(_ configuration: Configuration) throws(ReloadError) {
    loop.adoptThread()
    let failure = assumeIsolated { $0.main(configuration) }
    if let failure { throw failure }
  }

  private func main(_ configuration: Configuration) -> ReloadError? {
    var failure: ReloadError?
    do throws(SystemError) {
      try startThreads()
      try startWatching()
      try startAuthority()
    } catch {
      return ReloadError(messages: ["cannot start: \(error)"])
    }
    Task.immediate {
      do throws(ReloadError) { try await self.start(configuration) } catch {
        failure = error
        self.loop.stop()
      }
    }
    loop.run(reactor)
    // The others may be busy; the process ends.
    if failure == nil { for thread in threads { thread.join() } }
    return failure
  }

  private func startThreads() throws(SystemError) {
    for (index, worker) in workers.enumerated() {
      let thread = try Thread(named: "rsp worker \(index)") {
        // A successor inherits rights that are for the supervisor alone.
        Privileges.renounce()
        worker.run()
        Task.immediate { await self.workerEnded() }
      }
      threads.append(ThreadBox(thread))
      runningWorkers += 1
    }
  }

  private func start(_ configuration: Configuration) async throws(ReloadError) {
    try await apply(configuration)
    inheritance.closeRest()
    for (upstream, servers) in inheritance.wishes {
      for (server, wish) in servers { _ = await administer(wish, server, in: upstream) }
    }
    try completeTakeover()
    keepCertificates()
    for listener in configuration.listeners { Self.announce(listener.address) }
    service.notify("READY=1\nSTATUS=\(statusWords)")
    // Not before: the process that we take over from may have orders under way.
    authority?.update(configuration)
  }

  private static func announce(_ address: ListenAddress) {
    switch address {
    case .any(let port): Log.info("Started.  Listening on port \(port).")
    case .ip, .name, .unix: Log.info("Started.  Listening on \(address).")
    }
  }

  /// What the service manager shows.
  var statusWords: String {
    func count(_ number: Int, _ what: String) -> String {
      "\(number) \(what)\(number == 1 ? "" : "s")"
    }
    return count(configuration.sites.count, "site") + " on "
      + count(configuration.listeners.count, "listener")
  }

  // MARK: Ending

  /// Lets running requests finish, for `drain_timeout` at most, and ends the process.
  ///
  /// - Parameter gently: another process has taken over; see `Worker.drain`.
  package func stop(gently: Bool = false) async {
    guard !isStopping else { return }
    isStopping = true
    authority?.stop()
    // To the service manager an upgrade is no stop: it was told of the other process.
    if !gently { service.notify("STOPPING=1\nSTATUS=running requests may finish") }
    // Ours are closed first, so that a worker which closes its own can take all that is in the queue.
    listeners.removeAll()
    let time = Int64(configuration.process.drainTimeoutMilliseconds)
    for worker in workers { await worker.drain(for: time, gently: gently) }
  }

  private func workerEnded() async {
    runningWorkers -= 1
    guard runningWorkers == 0 else { return }
    await finishCommands()
    loop.stop()
  }

  /// Lets those who asked something have their answers; a second is enough for what is on its way.
  private func finishCommands() async {
    guard commandClients > 0, let alarm = try? Alarm(on: reactor) else { return }
    let deadline = reactor.now.advanced(by: 1000)
    control?.interruptIdle()
    while commandClients > 0, reactor.now < deadline {
      await alarm.sleep(until: reactor.now.advanced(by: 20))
    }
  }
}

/// Holds a thread in an array, which cannot hold what cannot be copied.
final class ThreadBox {
  private var thread: Thread?
  init(_ thread: consuming Thread) { self.thread = consume thread }
  func join() { thread.take()?.join() }
}

/// A queue in front of something that one may do at a time. Confined to one thread.
final class Turns {
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// Whether somebody waits behind the one whose turn it is.
  var isCrowded: Bool { !waiting.isEmpty }

  /// Waits for the turn; `pass` ends it.
  func take() async {
    if !isTaken {
      isTaken = true
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func pass() {
    if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
  }
}
