// How a task waits for its sockets, and how an idle socket is kept without a task.
//
// A wait may listen to two descriptors. The task is kept in the slot of the first, and both slots point
// there (`waiter`); whichever is ready first takes the task and disarms both.

extension Reactor {
  /// Waits until one of the descriptors is ready for what was asked of it, or is broken, or the
  /// deadline passes. Does not suspend when one is ready already.
  ///
  /// - Precondition: no other task waits for one of these descriptors.
  // Part of its caller: a function of its own would have a frame of its own, and another look at the
  // executor when the wait is over.
  @inlinable
  @inline(__always)
  package func wait(for interests: Interests, until deadline: Moment) async -> Wake {
    if let wake = wakeAtOnce(interests, deadline) { return wake }
    return await waits.wake(of: arm(interests, until: deadline))
  }

  @inlinable
  @inline(__always)
  package func wait(for interest: Interest, until deadline: Moment) async -> Wake {
    await wait(for: Interests(interest), until: deadline)
  }

  /// How a wait ends that need not begin.
  @usableFromInline
  func wakeAtOnce(_ interests: Interests, _ deadline: Moment) -> Wake? {
    if isReady(interests.first) || isReady(interests.second) { return .ready }
    return deadline <= now ? .deadline : nil
  }

  private func isReady(_ interest: Interest) -> Bool {
    interest.fd >= 0 && isReady(interest.fd, for: interest.wanted.union(.always))
  }

  /// Begins a wait.
  ///
  /// - Returns: the descriptor in whose slot the task will be, and how the wait ended.
  @usableFromInline
  func arm(_ interests: Interests, until deadline: Moment) -> Int32 {
    let first = interests.first.fd
    let second = interests.second.fd
    slots[first].arm(for: interests.first.wanted, waiter: first)
    arming = first
    slots[first].partner = second
    slots[first].deadline = deadline
    if second >= 0 { slots[second].arm(for: interests.second.wanted, waiter: first) }
    file(first, until: deadline)
    return first
  }

  /// Keeps the task that has just armed a slot.
  func keep(_ job: UnownedJob) {
    assert(loop.isOwnThread, "a task waits at another thread's reactor")
    slots[arming].job = job
  }

  /// Takes the task out of its slot, disarms both sides and has it go on in the next turn.
  func resume(waiter: Int32, _ wake: Wake) {
    let wait = slots[waiter].takeWait(wake)
    if wait.partner >= 0 { slots[wait.partner].disarm() }
    if let job = wait.job { loop.resume(job) }
  }
}

extension Reactor {
  /// Wakes the task that waits for a descriptor as if its deadline had passed, so that it looks at
  /// the world again.
  package func interrupt(_ interest: Interest) {
    if interest.fd >= 0 { interrupt(interest.fd) }
  }

  /// The same for a descriptor.
  package func interrupt(_ fd: Int32) {
    let waiter = slots[fd].waiter
    if waiter >= 0 { resume(waiter: waiter, .deadline) }
  }
}

/// Somebody who keeps idle descriptors without a task each.
package protocol Keeper: AnyObject {
  /// A parked descriptor is readable or its deadline has passed. It is not parked any more.
  func wake(_ fd: Int32, note: UInt64, _ wake: Wake)
}

/// A keeper's place in the reactor's table.
struct KeeperEntry {
  weak var keeper: (any Keeper)?
}

extension Reactor {
  /// Makes `keeper` somebody descriptors can be parked with, until `remove`.
  ///
  /// - Returns: the number to park with. The reactor does not keep the keeper alive: it comes and goes
  ///   with the configuration that needs it.
  package func add(_ keeper: any Keeper) -> UInt16 {
    if let number = freeKeepers.popLast() {
      keepers[Int(number) - 1].keeper = keeper
      return number
    }
    keepers.append(KeeperEntry(keeper: keeper))
    return UInt16(keepers.count)
  }

  /// Gives a keeper's number back, from its owner's deinit as a rule.
  ///
  /// - Precondition: nothing is parked with it any more.
  package func remove(keeper number: UInt16) {
    keepers[Int(number) - 1].keeper = nil
    freeKeepers.append(number)
  }

  /// Keeps an idle descriptor without a task: when it is readable or at the deadline, its keeper is
  /// told once; at once when it is readable already.
  package func park(_ fd: Int32, with keeper: UInt16, note: UInt64, until deadline: Moment) {
    precondition(slots[fd].waiter < 0, "parked while a task waits for it")
    slots[fd].keeper = keeper
    slots[fd].note = note
    slots[fd].armed = [.read, .hangup, .failure]
    slots[fd].deadline = deadline
    if slots[fd].ready.isDisjoint(with: slots[fd].armed) {
      file(fd, until: deadline)
    } else {
      wakeKeeper(of: fd, .ready)
    }
  }

  /// Takes a parked descriptor back before it wakes.
  package func unpark(_ fd: Int32) {
    slots[fd].keeper = 0
    slots[fd].armed = []
    slots[fd].deadline = .never
  }

  /// Finds a descriptor to give up among those parked with a keeper: of the next 16 from where the
  /// last search ended, the one whose deadline comes first. Among many this is nearly always one of
  /// the oldest, and it costs no list that would have to be kept (Redis samples its keys so).
  package func oldestParked(with keeper: UInt16) -> Int32? {
    var best: Int32?
    var found = 0
    for _ in 0..<slots.count where found < 16 {
      searchHand = searchHand + 1 < slots.count ? searchHand + 1 : 0
      guard slots[searchHand].keeper == keeper else { continue }
      found += 1
      if let other = best, slots[other].deadline <= slots[searchHand].deadline { continue }
      best = searchHand
    }
    return best
  }

  /// Wakes a parked descriptor as if its deadline had passed.
  package func expireParked(_ fd: Int32) {
    if slots[fd].keeper != 0 { wakeKeeper(of: fd, .deadline) }
  }

  /// Wakes every descriptor that is parked with a keeper, as if its deadline had passed.
  package func wakeAll(parkedWith keeper: UInt16) {
    wakeAll(parkedWith: keeper) { _ in true }
  }

  /// Wakes those whose note says so.
  package func wakeAll(parkedWith keeper: UInt16, where matches: (_ note: UInt64) -> Bool) {
    for fd in 0..<slots.count where slots[fd].keeper == keeper && matches(slots[fd].note) {
      wakeKeeper(of: fd, .deadline)
    }
  }

  // A function of its own, so that `handle` needs no room for it.
  @inline(never)
  func wakeKeeper(of fd: Int32, _ wake: Wake) {
    let keeper = keepers[Int(slots[fd].keeper) - 1].keeper
    let note = slots[fd].note
    unpark(fd)
    keeper?.wake(fd, note: note, wake)
  }
}
