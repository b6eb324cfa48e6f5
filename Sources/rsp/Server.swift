// Starts the proxy and ends it: makes the supervisor, which starts the workers, and listens to signals.
import Configuration
import Glibc
import IO
import Supervision
import Telemetry

/// Runs the proxy until it is told to stop, and ends the process.
func serve(_ configuration: Configuration, _ launch: Launch) -> Never {
  Signals.block()
  Process.raiseDescriptorLimit()
  let supervisor = Supervisor(
    launch, workers: configuration.workerCount, inheritance: .fromServiceManager())
  do {
    let signals = try Thread(named: "rsp signals") { Signals.serve(supervisor) }
    try supervisor.run(configuration)
    // It waits for ever; it ends with the process.
    _ = consume signals
  } catch let error as ReloadError {
    for message in error.messages { Log.error(message) }
    exit(1)
  } catch {
    Log.error("cannot start a thread: \(error)")
    exit(1)
  }
  supervisor.controlFile.remove()
  exit(0)
}
