// Signals, taken by a thread of their own that waits for them: no handler ever interrupts anything.
import Glibc
import IO
import Supervision
import Telemetry

/// The signals the program reacts to.
enum Signals {
  /// Keeps them from ending the process. Before the first thread is started, so that all inherit it.
  static func block() {
    // Writing to a socket whose peer has gone is an error to be handled, not a reason to die.
    signal(SIGPIPE, SIG_IGN)
    var set = handled
    // SAFETY: pthread_sigmask reads the set it is given.
    _ = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  private static var handled: sigset_t {
    var set = sigset_t()
    // SAFETY: the calls fill the set they are given.
    unsafe sigemptyset(&set)
    for signal in [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR2] { unsafe sigaddset(&set, signal) }
    return set
  }

  /// Waits for signals: SIGTERM and SIGQUIT drain, SIGINT ends at once, as a second SIGTERM does;
  /// SIGHUP reloads, SIGUSR2 starts a successor.
  static func serve(_ supervisor: Supervisor) {
    var set = handled
    var isStopping = false
    supervisor.loop.takeJobsOfThread()
    while true {
      var signal: Int32 = 0
      // SAFETY: sigwait reads the set and writes the signal's number.
      guard unsafe sigwait(&set, &signal) == 0 else { continue }
      switch signal {
      case SIGHUP:
        Task.immediate { try? await supervisor.reload() }
      case SIGUSR2:
        Task.immediate { try? await supervisor.upgrade() }
      case SIGTERM, SIGQUIT:
        if isStopping { end(supervisor) }
        isStopping = true
        Log.info("Stopping: running requests may finish.")
        Task.immediate { await supervisor.stop() }
      default:
        end(supervisor)
      }
    }
  }

  private static func end(_ supervisor: Supervisor) -> Never {
    Log.info("Stopped.")
    supervisor.controlFile.remove()
    exit(0)
  }
}
