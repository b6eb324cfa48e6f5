// What the reactor knows of each descriptor, in a table indexed by descriptor number.

/// What a descriptor's slot holds. Bitwise movable: the table grows by moving. One cache line: of a
/// hundred busy connections each touches two slots a request, none of which is in the cache.
@safe
struct Slot {
  var continuation: UnsafeContinuation<Wake, Never>?
  var deadline = Moment.never
  var link = TimerLink()
  /// The descriptor whose slot holds the continuation to be woken by this one, or -1.
  var waiter: Int32 = -1
  /// The second descriptor of the wait whose continuation is here, or -1.
  var partner: Int32 = -1
  /// Counts the descriptors that have had this number, so that an event for one that was closed in
  /// the same turn is not taken for its successor's.
  var generation: UInt32 = 0
  var ready: Readiness = []
  var armed: Readiness = []
  /// The keeper to tell when a parked descriptor wakes; 0 when it is not parked.
  var keeper: UInt16 = 0
  /// What the keeper wanted to remember, instead of a task or an object.
  var note: UInt64 = 0
  /// What has been posted and not left: one more than its number in the outbox, `Outbox.unsent` when
  /// it did not leave in full, or 0.
  var post: UInt32 = 0
  /// What was received for the task that waits.
  var fetched = Fetched()
}

/// The slots of all descriptor numbers, grown on demand.
@safe
struct SlotTable: ~Copyable {
  private var base: UnsafeMutablePointer<Slot>
  private var capacity: Int

  init() {
    capacity = 1024
    // SAFETY: allocated here, freed in deinit, moved in `reserve`; always `capacity` initialised
    // slots.
    unsafe base = Self.allocate(capacity)
    unsafe base.initialize(repeating: Slot(), count: capacity)
  }

  private static func allocate(_ count: Int) -> UnsafeMutablePointer<Slot> {
    let stride = MemoryLayout<Slot>.stride
    // SAFETY: the block has room for so many slots and is only used as such.
    return unsafe UnsafeMutableRawPointer.allocate(byteCount: count * stride, alignment: 64)
      .bindMemory(to: Slot.self, capacity: count)
  }

  deinit {
    unsafe base.deinitialize(count: capacity)
    unsafe base.deallocate()
  }

  /// One more than the largest descriptor there is room for.
  var count: Int32 { Int32(capacity) }

  subscript(_ fd: Int32) -> Slot {
    _read {
      precondition(fd >= 0 && Int(fd) < capacity)
      // SAFETY: the index was checked; the table cannot grow while it is accessed.
      yield unsafe base[Int(fd)]
    }
    _modify {
      precondition(fd >= 0 && Int(fd) < capacity)
      // SAFETY: as above.
      yield unsafe &base[Int(fd)]
    }
  }

  /// Makes room for a descriptor.
  mutating func reserve(_ fd: Int32) {
    guard Int(fd) >= capacity else { return }
    let larger = max(capacity * 2, Int(fd) + 1)
    // SAFETY: the old slots are moved, the rest initialised, the old block freed empty.
    let table = unsafe Self.allocate(larger)
    unsafe table.moveInitialize(from: base, count: capacity)
    unsafe (table + capacity).initialize(repeating: Slot(), count: larger - capacity)
    unsafe base.deallocate()
    unsafe base = table
    capacity = larger
  }
}
