// Idle connections of clients. One costs its slot in the reactor's table and nothing else: no task,
// no buffer, no object. A task that has once been deep in a request never gives its stack back, so
// an idle connection's task is ended, and a new one started on its next byte.
import Configuration
import IO

/// A parked connection that is readable, or has been idle too long.
struct WokenClient {
  let fd: Int32
  let record: ConnectionRecord
  let isExpired: Bool
}

/// Collects parked connections that woke, for the worker to start tasks for them.
final class ParkedClients: Keeper {
  private var woken: [WokenClient] = []
  private var waiter: CheckedContinuation<Void, Never>?

  func wake(_ fd: Int32, note: UInt64, _ wake: Wake) {
    let isExpired = if case .deadline = wake { true } else { false }
    woken.append(WokenClient(fd: fd, record: ConnectionRecord(note: note), isExpired: isExpired))
    waiter?.resume()
    waiter = nil
  }

  /// Waits until connections have woken, and takes them.
  func next() async -> [WokenClient] {
    if woken.isEmpty { await withCheckedContinuation { waiter = $0 } }
    defer { woken.removeAll(keepingCapacity: true) }
    return woken
  }
}

extension WorkerState {
  /// Parks an idle connection until its next byte or the end of our patience.
  func park(_ fd: Int32, _ record: ConnectionRecord, _ options: ListenerOptions) {
    // A client that has sent nothing yet owes us a request; one that has may rest.
    let patience =
      record.requests == 0 ? options.headTimeoutMilliseconds : options.keepaliveTimeoutMilliseconds
    parkedSinceTrim += 1
    reactor.park(
      fd, with: clientKeeper, note: record.note, until: reactor.now.advanced(by: Int64(patience)))
  }

}
