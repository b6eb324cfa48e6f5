// The executor of one worker: Swift's concurrency runs every job of the worker's actor and tasks
// here, on one thread, between two looks at the kernel's list of ready sockets.
//
// It is the actor's serial executor, and where the jobs of its thread go that have no executor: a
// continuation always resumes on the generic executor, and if that were the process-wide pool of
// threads it would travel there and back (20 us a request, docs/decisions/0001).
import CConcurrency
import CLinux
import Glibc
import Synchronization

/// The job queue of one thread.
///
/// The only `@unchecked Sendable` type of the program. `ready` and `running` belong to the owner
/// thread; other threads touch the inbox, which is locked, `owner`, which is atomic because they may
/// enqueue while the thread is still being adopted, and the wake-up descriptor.
@safe
package final class EventLoop: SerialExecutor, @unchecked Sendable {
  private var ready = JobList()
  private var running = JobList()
  private let owner = Atomic<pthread_t>(0)
  private var stopping = false
  private let inbox = Mutex<[UnownedJob]>([])
  /// Readable when another thread has put a job into the inbox.
  let wakeUp = Descriptor(adopting: eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)))

  package init() {}

  package func enqueue(_ job: consuming ExecutorJob) { add(UnownedJob(job)) }

  private func add(_ job: UnownedJob) {
    if isOwnThread { ready.append(job) } else { addFromElsewhere(job) }
  }

  @inline(never)
  private func addFromElsewhere(_ job: UnownedJob) {
    let first = inbox.withLock { jobs in
      jobs.append(job)
      return jobs.count == 1
    }
    if first { _ = eventfd_write(wakeUp.number, 1) }
  }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  package func isIsolatingCurrentContext() -> Bool? { isOwnThread }

  package func checkIsolated() {
    precondition(isOwnThread, "the event loop belongs to another thread")
  }

  // pthread_self() is declared const, so the compiler may carry its value across a suspension; here
  // that is harmless, because this function is not async and no job moves between threads.
  var isOwnThread: Bool { pthread_self() == owner.load(ordering: .relaxed) }

  /// Has a task go on in the next turn that was kept elsewhere. Owner thread only.
  func resume(_ job: UnownedJob) { ready.append(job) }

  /// Makes the calling thread the owner. Once, before the first job.
  package func adoptThread() { owner.store(pthread_self(), ordering: .relaxed) }

  /// Ends `run` after the current turn. Owner thread only.
  package func stop() { stopping = true }

  /// Turns the loop until `stop`: jobs that are ready, the messages they posted, then what the kernel
  /// reports.
  package func run(_ reactor: Reactor) {
    takeJobsOfThread()
    defer { unsafe cconcurrency_adopt_thread(nil, Self.takeOver) }
    while !stopping {
      runReady()
      reactor.sendPosted()
      if stopping { return }
      if reactor.poll(blocking: ready.isEmpty) { takeInbox() }
    }
  }

  /// Runs the jobs that were ready when it was called. What they enqueue waits for the next turn, so
  /// that a task which never stops yielding cannot keep the others from their sockets.
  private func runReady() {
    guard !ready.isEmpty else { return }
    swap(&ready, &running)
    let serial = unsafe asUnownedSerialExecutor()
    // SAFETY: every job was handed to this executor by `enqueue` and is run once.
    var i = 0
    while i < running.count {
      unsafe running[i].runSynchronously(on: serial)
      i += 1
    }
    running.removeAll()
  }

  /// Makes jobs that the calling thread has for no executor in particular come to this loop: those
  /// that end a wait above all. The loop has to outlive the thread, or its `run`.
  package func takeJobsOfThread() {
    // SAFETY: the loop is there as long as jobs come, and the runtime hands over each job once.
    let pointer = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe cconcurrency_adopt_thread(pointer, Self.takeOver)
  }

  private static let takeOver: cconcurrency_enqueue = { loop, job in
    // SAFETY: `loop` is what the thread's loop gave, and a job is a pointer in disguise.
    unsafe Unmanaged<EventLoop>.fromOpaque(loop)._withUnsafeGuaranteedRef {
      let job = unsafe unsafeBitCast(job, to: UnownedJob.self)
      if $0.isOwnThread {
        // What was told to stop the loop goes on elsewhere.
        if $0.stopping { return 0 }
        $0.ready.append(job)
      } else {
        $0.addFromElsewhere(job)
      }
      return 1
    }
  }

  private func takeInbox() {
    var count: eventfd_t = 0
    // SAFETY: eventfd_read writes the eight bytes of `count`.
    _ = unsafe eventfd_read(wakeUp.number, &count)
    inbox.withLock { jobs in
      for job in jobs { ready.append(job) }
      jobs.removeAll(keepingCapacity: true)
    }
  }
}
