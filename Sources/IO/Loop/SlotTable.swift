// What the reactor knows of each descriptor, in a table indexed by descriptor number.

/// What a descriptor's slot holds. Bitwise movable: the table grows by moving. One cache line: of a
/// hundred busy connections each touches two slots a request, none of which is in the cache.
@safe
@usableFromInline
struct Slot {
  /// The task that waits.
  var job: UnownedJob?
  var deadline = Moment.never
  var link = TimerLink()
  /// The descriptor whose slot holds the task to be woken by this one, or -1.
  var waiter: Int32 = -1
  /// The second descriptor of the wait whose task is here, or -1.
  var partner: Int32 = -1
  /// Counts the descriptors that have had this number, so that an event for one that was closed in
  /// the same turn is not taken for its successor's.
  var generation: UInt32 = 0
  @usableFromInline var ready: Readiness = []
  var armed: Readiness = []
  /// The keeper to tell when a parked descriptor wakes; 0 when it is not parked.
  var keeper: UInt16 = 0
  /// What the keeper wanted to remember, instead of a task or an object.
  var note: UInt64 = 0
  /// What has been posted and not left: where the message is in the outbox, behind its header and so
  /// never 0; `Outbox.unsent` when it did not leave in full; 0 when nothing is.
  @usableFromInline var post: UInt32 = 0
  /// What was received for the task that waits.
  @usableFromInline var fetched = Fetched()
  // Each of these looks at the slot in one place, so that it is looked up once.

  /// Notes what the kernel reports.
  ///
  /// - Returns: whether somebody is to be woken for it.
  @inline(__always)
  mutating func note(_ reported: Readiness) -> Bool {
    ready.formUnion(reported)
    if fetched.count != 0, reported.contains(.read) { ready.insert(.more) }
    return !armed.isDisjoint(with: reported)
  }

  /// Whether a descriptor that may be read is to be received from before its task goes on.
  @inline(__always)
  func wantsFetch(_ reported: Readiness) -> Bool {
    armed.contains(.fetch) && reported.contains(.read)
  }

  /// Begins a wait of the slot's descriptor.
  @inline(__always)
  mutating func arm(for wanted: Readiness, waiter: Int32) {
    precondition(self.waiter < 0, "two tasks wait for one descriptor")
    self.waiter = waiter
    armed = wanted.union(.always)
  }

  /// Ends it.
  @inline(__always)
  mutating func disarm() {
    waiter = -1
    armed = []
  }

  /// Ends the wait whose task is here.
  ///
  /// - Returns: the other descriptor that it listened to, or -1, and the task.
  @inline(__always)
  mutating func takeWait(_ wake: Wake) -> (partner: Int32, job: UnownedJob?) {
    let wait = (partner, job)
    job = nil
    self.wake = wake
    partner = -1
    deadline = .never
    disarm()
    return wait
  }

  /// How the last wait ended.
  @inline(__always)
  var wake: Wake {
    get { ready.contains(.expired) ? .deadline : .ready }
    set { if newValue == .deadline { ready.insert(.expired) } else { ready.remove(.expired) } }
  }

  /// Whether a message can be posted: none has been, and the socket may have room.
  @inline(__always)
  var mayPost: Bool { post == 0 && ready.contains(.write) }
}

/// The slots of all descriptor numbers, grown on demand.
@safe
@usableFromInline
struct SlotTable: ~Copyable {
  @usableFromInline var base: UnsafeMutablePointer<Slot>
  @usableFromInline var capacity: Int

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

  @inlinable
  deinit {
    unsafe base.deinitialize(count: capacity)
    unsafe base.deallocate()
  }

  /// One more than the largest descriptor there is room for.
  var count: Int32 { Int32(capacity) }

  @inlinable
  subscript(_ fd: Int32) -> Slot {
    @inline(__always)
    _read {
      // One comparison: a negative number is a large one.
      let index = Int(UInt32(bitPattern: fd))
      precondition(index < capacity)
      // SAFETY: the index was checked; the table cannot grow while it is accessed.
      yield unsafe base[index]
    }
    @inline(__always)
    _modify {
      let index = Int(UInt32(bitPattern: fd))
      precondition(index < capacity)
      // SAFETY: as above.
      yield unsafe &base[index]
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
