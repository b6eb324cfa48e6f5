// Deadlines: filing slots in the timer wheel, and waking those whose time has come.

extension Reactor {
  /// Files a slot under its deadline unless it is filed earlier already, as nearly always.
  @inline(__always)
  func file(_ fd: Int32, until deadline: Moment) {
    if slots[fd].link.isEarlyEnough(for: deadline) { return }
    fileEarlier(fd, until: deadline)
  }

  private func fileEarlier(_ fd: Int32, until deadline: Moment) {
    guard deadline != .never else { return }
    let tick = wheel.filing(for: deadline)
    let filed = slots[fd].link.tick
    guard tick < filed else { return }
    if filed != TimerWheel.unfiled { unfile(fd) }
    let head = wheel.head(of: tick)
    slots[fd].link = TimerLink(tick: tick, next: head, previous: -1)
    if head >= 0 { slots[head].link.previous = fd }
    wheel.setHead(of: tick, to: fd)
  }

  private func unfile(_ fd: Int32) {
    let link = slots[fd].link
    slots[fd].link = TimerLink()
    if link.next >= 0 { slots[link.next].link.previous = link.previous }
    if link.previous >= 0 {
      slots[link.previous].link.next = link.next
    } else {
      wheel.setHead(of: link.tick, to: link.next)
    }
  }

  /// Empties the buckets whose time has come.
  func expire() {
    while let tick = wheel.advance(to: now) {
      while true {
        let fd = wheel.head(of: tick)
        guard fd >= 0 else { break }
        unfile(fd)
        expire(fd)
      }
    }
  }

  private func expire(_ fd: Int32) {
    let deadline = slots[fd].deadline
    if deadline > now {
      file(fd, until: deadline)
    } else if slots[fd].waiter == fd {
      resume(waiter: fd, .deadline)
    } else if slots[fd].keeper != 0 {
      wakeKeeper(of: fd, .deadline)
    }
  }
}
