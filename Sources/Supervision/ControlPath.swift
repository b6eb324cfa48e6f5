// Where the control socket is, for the process that opens it and for the commands that look for it.
import IO
import Synchronization

/// The place of the control socket.
package enum ControlPath {
  /// What `control` says, or the default place.
  ///
  /// - Returns: nil when there is to be none.
  package static func path(for configured: String?) -> String? {
    switch configured {
    case ""?: nil
    case let path?: path
    case nil: standard
    }
  }

  /// `/run/rsp.sock` for root; for others their own runtime directory, or a name of their own in /tmp.
  package static var standard: String {
    if Process.userID == 0 { return "/run/rsp.sock" }
    if let directory = Process.environment("XDG_RUNTIME_DIR") { return directory + "/rsp.sock" }
    return "/tmp/rsp-\(Process.userID).sock"
  }
}

/// The control socket's file while it is ours. Safe from every thread.
package final class ControlFile: Sendable {
  private let path = Mutex<String?>(nil)

  init() {}

  func own(_ path: String) { self.path.withLock { $0 = path } }

  /// Somebody else has it now, and it stays when we end.
  func giveAway() { path.withLock { $0 = nil } }

  /// Removes the file if it is ours. Before the process ends.
  package func remove() {
    path.withLock { path in
      if let path { Process.unlink(path) }
      path = nil
    }
  }
}
