// One keeper for all pools of a worker: pools come and go by the thousand, with the servers of the DNS
// and with reloads, and a keeper's number has 16 bits.
import IO

/// Whom an idle connection belongs to.
protocol IdleOwner: AnyObject {
  /// An idle connection was closed by its server, sent something, or has become too old.
  func wakeIdle(_ fd: Int32)
}

/// Tells pools of their connections that woke. Worker-confined.
final class PoolKeeper: Keeper {
  private struct Entry {
    // A pool removes itself when it ends.
    unowned let owner: any IdleOwner
  }

  private var entries: [Entry?] = []
  private var free: [Int] = []
  let reactor: Reactor
  private(set) var number: UInt16 = 0

  init(on reactor: Reactor) {
    self.reactor = reactor
    number = reactor.add(self)
  }

  /// - Returns: the note to park the owner's connections with.
  func add(_ owner: any IdleOwner) -> Int {
    if let slot = free.popLast() {
      entries[slot] = Entry(owner: owner)
      return slot
    }
    entries.append(Entry(owner: owner))
    return entries.count - 1
  }

  /// Keeps a descriptor whose owner has this note.
  func park(_ fd: Int32, _ slot: Int, until deadline: Moment) {
    reactor.park(fd, with: number, note: UInt64(slot), until: deadline)
  }

  func remove(_ slot: Int) {
    entries[slot] = nil
    free.append(slot)
  }

  func wake(_ fd: Int32, note: UInt64, _ wake: Wake) {
    entries[Int(note)]?.owner.wakeIdle(fd)
  }
}
