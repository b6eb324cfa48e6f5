// Starts the proxy and ends it: opens the listeners, runs the workers, listens to signals.
import CLinux
import Configuration
import Glibc
import IO
import Proxy
import Telemetry

/// Runs the proxy until it is told to stop, and ends the process.
func serve(_ configuration: Configuration) -> Never {
  Signals.block()
  raiseDescriptorLimit()
  let count = configuration.workers ?? Int(clinux_available_cores())
  var workers: [Worker] = []
  do throws(StartError) {
    let handovers = try openListeners(configuration, workers: count)
    let most = max(1, connectionLimit(configuration) / count)
    let commons = Commons()
    workers = handovers.map {
      Worker(configuration, listeners: $0, maxConnections: most, commons: commons)
    }
    try run(workers, configuration)
  } catch {
    Log.error(error.description)
    exit(1)
  }
  exit(0)
}

/// Why the proxy cannot start.
struct StartError: Error, CustomStringConvertible {
  let description: String
}

private func run(_ workers: [Worker], _ configuration: Configuration) throws(StartError) {
  do throws(SystemError) {
    var threads: [ThreadBox] = []
    for (index, worker) in workers.enumerated() {
      threads.append(ThreadBox(try Thread(named: "rsp worker \(index)") { worker.run() }))
    }
    let drain = Int64(configuration.process.drainTimeoutMilliseconds)
    let signals = try Thread(named: "rsp signals") { Signals.serve(workers, drain) }
    announce(configuration)
    for thread in threads { thread.join() }
    // The signal thread waits for ever; it ends with the process.
    _ = consume signals
  } catch {
    throw StartError(description: "cannot start a thread: \(error)")
  }
}

/// Holds a thread in an array, which cannot hold what cannot be copied.
private final class ThreadBox {
  private var thread: Thread?
  init(_ thread: consuming Thread) { self.thread = consume thread }
  func join() { thread.take()?.join() }
}

private func announce(_ configuration: Configuration) {
  for listener in configuration.listeners {
    switch listener.address {
    case .any(let port): Log.info("Started.  Listening on port \(port).")
    case .ip, .name, .unix: Log.info("Started.  Listening on \(listener.address).")
    }
  }
}

/// How many clients may be connected at a time: by default what the descriptor limit allows, less a
/// tenth for servers, and what the program itself needs.
private func connectionLimit(_ configuration: Configuration) -> Int {
  if let limit = configuration.process.maxConnections { return limit }
  var limit = rlimit()
  let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  // SAFETY: getrlimit fills the structure it is given.
  guard unsafe getrlimit(kind, &limit) == 0 else { return 1024 }
  let descriptors = Int(clamping: limit.rlim_cur)
  return max(1, descriptors - descriptors / 10 - 32)
}

/// As many descriptors as the system allows: each connection takes two.
private func raiseDescriptorLimit() {
  var limit = rlimit()
  let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  // SAFETY: getrlimit fills, and setrlimit reads, the structure they are given.
  guard unsafe getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
  limit.rlim_cur = limit.rlim_max
  _ = unsafe setrlimit(kind, &limit)
}
