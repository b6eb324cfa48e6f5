// The kernel's side of the event loop: which sockets are ready (epoll, edge-triggered), who waits
// for them, and until when.
//
// Every descriptor has a slot with "sticky" readiness bits. An edge sets the bits whether or not
// anybody waits; an attempt to move bytes that finds nothing clears them. So a task tries first,
// waits only if it was blocked, and no edge is ever lost between the two.
import CLinux
import Glibc

/// The sockets of one worker. Worker-confined.
@safe
@usableFromInline
package final class Reactor {
  private let epoll: Descriptor
  private let events: UnsafeMutablePointer<epoll_event>
  @usableFromInline var slots = SlotTable()
  var wheel: TimerWheel
  var outbox = Outbox()
  var inbox = Inbox()
  var keepers: [KeeperEntry] = []
  /// Numbers of keepers that have gone.
  var freeKeepers: [UInt16] = []
  /// Where the last search for an old parked descriptor ended.
  var searchHand: Int32 = 0
  let loop: EventLoop
  /// Where tasks wait.
  @usableFromInline let waits: WaitActor
  /// The descriptor whose task begins to wait.
  var arming: Int32 = -1
  private var yielded: [UnsafeContinuation<Void, Never>] = unsafe []
  /// The time of the current turn; read from the clock once a turn, exact to about 4 ms.
  package private(set) var now: Moment

  private static let batch = 256
  /// How many tasks that gave up their turn go on in the next. They are the ones that move large
  /// bodies; whoever wants little is looked after in between.
  private static let yieldedPerTurn = 4

  /// - Parameter loop: whose inbox also ends a poll.
  package init(for loop: EventLoop) {
    epoll = Descriptor(adopting: epoll_create1(Int32(EPOLL_CLOEXEC)))
    self.loop = loop
    let executor = WaitExecutor()
    waits = WaitActor(executor)
    // SAFETY: allocated here and freed in deinit; always `batch` initialised events.
    unsafe events = .allocate(capacity: Self.batch)
    unsafe events.initialize(repeating: epoll_event(), count: Self.batch)
    now = Self.clock()
    wheel = TimerWheel(at: now)
    let wakeUp = loop.wakeUp.number
    let data = UInt64(UInt32(bitPattern: wakeUp))
    let result = clinux_epoll_ctl(epoll.number, EPOLL_CTL_ADD, wakeUp, EPOLLIN.rawValue, data)
    precondition(result == 0, "epoll refuses an eventfd")
    executor.serve(self)
  }

  deinit { unsafe events.deallocate() }

  private static func clock() -> Moment {
    Moment(milliseconds: nanoseconds(CLOCK_MONOTONIC_COARSE) / 1_000_000)
  }

  /// The time now, not that of the turn: for what is over in less than the 4 ms of `now`.
  package var exactMicroseconds: Int64 { Self.nanoseconds(CLOCK_MONOTONIC) / 1000 }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    // SAFETY: clock_gettime fills the structure it is given.
    _ = unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  // MARK: Registration

  /// What epoll is asked for. A connection is registered once, for both directions.
  package enum Watch: Sendable {
    case connection
    /// A listener of this worker alone.
    case listener
    /// A listener that all workers share: each connection wakes one of them (EPOLLEXCLUSIVE).
    case sharedListener

    fileprivate var events: UInt32 {
      switch self {
      case .connection:
        EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
      case .listener: EPOLLIN.rawValue | EPOLLET.rawValue
      case .sharedListener: EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue | EPOLLET.rawValue
      }
    }
  }

  /// Starts to watch a descriptor; closing it ends that.
  package func register(_ fd: Int32, as watch: Watch = .connection) throws(SystemError) {
    slots.reserve(fd)
    let old = (slots[fd].link, slots[fd].generation)
    slots[fd] = Slot()
    slots[fd].link = old.0
    slots[fd].generation = old.1 &+ 1
    let data = UInt64(UInt32(bitPattern: fd)) | UInt64(old.1 &+ 1) << 32
    let result = clinux_epoll_ctl(epoll.number, EPOLL_CTL_ADD, fd, watch.events, data)
    if result < 0 { throw SystemError(code: -result) }
  }

  /// Forgets a descriptor that is about to be closed.
  package func forget(_ fd: Int32) {
    precondition(slots[fd].waiter < 0, "closed while a task waits for it")
    dropPost(of: fd)
    dropFetched(fd)
    slots[fd].generation &+= 1
    slots[fd].keeper = 0
    slots[fd].deadline = .never
  }

  /// Stops watching a descriptor whose open file others hold, too, so that closing this one number
  /// would not end it (epoll(7), "close an fd").
  package func unregister(_ fd: Int32) {
    _ = clinux_epoll_ctl(epoll.number, EPOLL_CTL_DEL, fd, 0, 0)
    forget(fd)
  }

  // MARK: Readiness

  /// Whether the descriptor may be tried for this; true until an attempt was blocked.
  @inlinable
  package func isReady(_ fd: Int32, for wanted: Readiness) -> Bool {
    !slots[fd].ready.isDisjoint(with: wanted)
  }

  /// An attempt found that the descriptor is not ready after all.
  package func clear(_ fd: Int32, _ bits: Readiness) {
    slots[fd].ready.subtract(bits)
  }

  /// Notes a readiness that was learnt without an event.
  package func assume(_ fd: Int32, _ bits: Readiness) {
    slots[fd].ready.formUnion(bits)
  }

  // MARK: The turn

  /// One look at the kernel; wakes who waits for what is ready, then whose deadline has passed.
  ///
  /// - Returns: whether the loop's inbox has jobs.
  func poll(blocking: Bool) -> Bool {
    renewInbox()
    let timeout = blocking && (unsafe yielded.isEmpty) ? pause : 0
    // SAFETY: `events` has room for `batch` events.
    let count = unsafe clinux_epoll_wait(epoll.number, events, Int32(Self.batch), timeout)
    now = Self.clock()
    resumeYielded()
    let wakeUp = loop.wakeUp.number
    var woken = false
    var i = 0
    while i < Int(count) {
      // SAFETY: the kernel filled `count` events.
      let data = unsafe events[i].data.u64
      let fd = Int32(truncatingIfNeeded: data & 0xffff_ffff)
      if fd == wakeUp {
        woken = true
      } else {
        handle(unsafe events[i].events, fd, UInt32(truncatingIfNeeded: data >> 32))
      }
      i += 1
    }
    expire()
    return woken
  }

  private var pause: Int32 {
    guard let wait = wheel.wait(from: now) else { return -1 }
    return Int32(clamping: wait + 1)
  }

  private func handle(_ events: UInt32, _ fd: Int32, _ generation: UInt32) {
    // Nearly always there are bytes, and room as ever.
    let usual = events == EPOLLIN.rawValue | EPOLLOUT.rawValue
    let ready = usual ? [.read, .write] : Readiness(events: events)
    guard slots[fd].generation == generation, slots[fd].note(ready) else { return }
    let waiter = slots[fd].waiter
    if waiter < 0 {
      if slots[fd].keeper != 0 { wakeKeeper(of: fd, .ready) }
    } else if slots[fd].wantsFetch(ready), !fetch(fd),
      slots[fd].armed.isDisjoint(with: slots[fd].ready)
    {
      return
    } else {
      resume(waiter: waiter, .ready)
    }
  }

  /// How many tasks have given up their turn and wait for the next.
  package var yieldedCount: Int { unsafe yielded.count }

  /// Lets every other task that is ready have its turn.
  package func yield() async {
    await unsafe withUnsafeContinuation { continuation in unsafe yielded.append(continuation) }
  }

  private func resumeYielded() {
    guard unsafe !yielded.isEmpty else { return }
    // SAFETY: each continuation was stored once and is resumed once.
    let turn = unsafe yielded.prefix(Self.yieldedPerTurn)
    unsafe yielded.removeFirst(turn.count)
    unsafe turn.forEach { unsafe $0.resume() }
  }
}

extension Readiness {
  /// What the kernel's events mean.
  @inline(never)
  fileprivate init(events: UInt32) {
    self = []
    if events & EPOLLIN.rawValue != 0 { insert(.read) }
    if events & EPOLLOUT.rawValue != 0 { insert(.write) }
    if events & EPOLLRDHUP.rawValue != 0 { formUnion([.read, .hangup]) }
    if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
      formUnion([.read, .write, .failure])
    }
  }
}
