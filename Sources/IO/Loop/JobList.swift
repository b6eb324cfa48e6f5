// The jobs of a turn, in the order in which they came.

/// A list that is filled, gone through and emptied. Every wait that ends puts a job here; an array
/// would ask each time whether it is shared.
@safe
struct JobList: ~Copyable {
  private var base: UnsafeMutablePointer<UnownedJob>
  private var capacity = 256
  private(set) var count = 0

  init() {
    // SAFETY: allocated here and freed in deinit; `capacity` jobs fit, the first `count` are initialised.
    unsafe base = .allocate(capacity: capacity)
  }

  // A job is a pointer, so there is nothing to deinitialise.
  deinit { unsafe base.deallocate() }

  var isEmpty: Bool { count == 0 }

  @inline(__always)
  mutating func append(_ job: UnownedJob) {
    if count == capacity { grow() }
    // SAFETY: there is room for one more.
    unsafe (base + count).initialize(to: job)
    count &+= 1
  }

  subscript(_ index: Int) -> UnownedJob {
    precondition(index >= 0 && index < count)
    // SAFETY: the index was checked.
    return unsafe base[index]
  }

  mutating func removeAll() { count = 0 }

  @inline(never)
  private mutating func grow() {
    // SAFETY: the old jobs are moved, the old block is freed empty.
    let larger = UnsafeMutablePointer<UnownedJob>.allocate(capacity: capacity * 2)
    unsafe larger.moveInitialize(from: base, count: count)
    unsafe base.deallocate()
    unsafe base = larger
    capacity *= 2
  }
}
