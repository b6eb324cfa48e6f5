// Where a task is while it waits for its sockets: on an executor that runs nothing. A task that changes
// to it is handed over as a job, which is kept in the slot of its socket; to end the wait is to run the
// job on the loop.
//
// A continuation does the same with more help of the runtime's: a record of what the task depends on,
// made and looked up under the task's lock, and a resumption by way of the generic executor. Changing
// the executor takes a seventh of the locked instructions (docs/decisions/0031).

/// The executor of a reactor's tasks that wait.
@safe
final class WaitExecutor: SerialExecutor {
  /// Set once, by the reactor itself, which its tasks do not outlive.
  nonisolated(unsafe) private var reactor: Unmanaged<Reactor>?

  func serve(_ reactor: Reactor) { unsafe self.reactor = .passUnretained(reactor) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    withReactor { $0.keep(job) }
  }

  func wake(of fd: Int32) -> Wake { withReactor { $0.slots[fd].wake } }

  @inline(__always)
  private func withReactor<Result>(_ body: (Reactor) -> Result) -> Result {
    guard let reactor = unsafe reactor else { preconditionFailure("waits have no reactor") }
    // SAFETY: a task comes here by `Reactor.wait`, on the reactor's thread, while it uses the reactor.
    // A reference that is counted would cost as much as the rest of this.
    return unsafe reactor._withUnsafeGuaranteedRef(body)
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }
}

/// What a task calls to change to that executor.
@usableFromInline
actor WaitActor {
  private nonisolated let executor: WaitExecutor

  @usableFromInline nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: executor)
  }

  init(_ executor: WaitExecutor) { self.executor = executor }

  /// Runs when the wait is over, and says how it ended. The job that brings the task here runs as one
  /// of the worker's, so the way back to the worker's actor is no change of executor.
  // Not inlined: of a method without a call the change of executor would be optimised away.
  @usableFromInline
  @inline(never)
  func wake(of fd: Int32) -> Wake { executor.wake(of: fd) }
}
