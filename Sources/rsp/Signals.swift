// Signals, taken by a thread of their own that waits for them: no handler ever interrupts anything.
import Glibc
import Proxy
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
    for signal in [SIGTERM, SIGINT, SIGQUIT] { unsafe sigaddset(&set, signal) }
    return set
  }

  /// Waits for signals: SIGTERM and SIGQUIT drain, SIGINT ends at once, as a second SIGTERM does.
  static func serve(_ workers: [Worker], _ drainTimeout: Int64) {
    var set = handled
    var isDraining = false
    while true {
      var signal: Int32 = 0
      // SAFETY: sigwait reads the set and writes the signal's number.
      guard unsafe sigwait(&set, &signal) == 0 else { continue }
      if signal == SIGINT || isDraining {
        Log.info("Stopped.")
        exit(0)
      }
      isDraining = true
      Log.info("Stopping: running requests may finish.")
      for worker in workers {
        Task { await worker.drain(for: drainTimeout) }
      }
    }
  }
}
