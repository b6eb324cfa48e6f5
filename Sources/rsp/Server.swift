// Starts the proxy and ends it: makes the supervisor, which starts the workers, and listens to signals.
import Configuration
import Glibc
import IO
import Supervision
import Telemetry

/// Runs the proxy until it is told to stop, and ends the process.
///
/// - Parameter path: the control socket of the rsp to take over from, if there is one.
func serve(
  _ configuration: Configuration, _ launch: Launch, takingOverFrom path: String?
) -> Never {
  Signals.block()
  Process.raiseDescriptorLimit()
  do {
    let inheritance = try path.map { try Predecessor.takeOver(from: $0) } ?? .fromServiceManager()
    let supervisor = Supervisor(
      launch, workers: configuration.workerCount, inheritance: inheritance)
    let signals = try Thread(named: "rsp signals") {
      Privileges.renounce()
      Signals.serve(supervisor)
    }
    try supervisor.run(configuration)
    // It waits for ever; it ends with the process.
    _ = consume signals
    supervisor.controlFile.remove()
  } catch let error as ReloadError {
    for message in error.messages { Log.error(message) }
    exit(1)
  } catch {
    Log.error("cannot start a thread: \(error)")
    exit(1)
  }
  exit(0)
}
