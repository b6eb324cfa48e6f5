// What the process tells the service manager that started it (sd_notify(3)): one datagram each time.
import IO
import Telemetry

/// systemd, or whoever set NOTIFY_SOCKET; nobody when it is not set.
package struct ServiceManager: Sendable {
  private let path: String?

  package init(path: String? = Process.environment("NOTIFY_SOCKET")) { self.path = path }

  /// Tells assignments, one a line, such as `READY=1`.
  package func notify(_ assignments: String) {
    guard let path else { return }
    do throws(SystemError) {
      try Sockets.sendDatagram(Array(assignments.utf8), to: path)
    } catch {
      Log.debug("cannot notify \(path): \(error)")
    }
  }
}
