// Deadlines, cheap enough to have one on every wait (0.04 us a request for two of them).
//
// A wheel of 1024 buckets of 50 ms; each bucket is a list of slots, linked through the slots
// themselves. It is lazy: a wait only writes its deadline into its slot, and a wake-up only erases
// it. A slot is filed under a bucket when it is not yet filed under an earlier one, and when its
// bucket comes round too soon the slot is filed again for what is left. So a connection that serves
// a thousand requests a second is filed about once per bucket, not twice per request.
// (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987.)

/// A slot's place in the wheel.
struct TimerLink {
  /// The tick at whose bucket the slot is filed; `TimerWheel.unfiled` when it is in none.
  var tick: Int64 = TimerWheel.unfiled
  var next: Int32 = -1
  var previous: Int32 = -1

  /// Whether the bucket comes round in time for a deadline, so that filing would change nothing.
  /// A multiplication where `TimerWheel.tick(for:)` divides: it is asked for every wait.
  func isEarlyEnough(for deadline: Moment) -> Bool {
    tick != TimerWheel.unfiled && (tick &- 1) &* TimerWheel.tick <= deadline.milliseconds
  }
}

/// The buckets. The links live with their owner, who lends them by index.
struct TimerWheel {
  static let unfiled = Int64.max
  /// Milliseconds per bucket; a deadline is met up to this much late, never early.
  static let tick: Int64 = 50
  static let buckets = 1024

  private var heads = [Int32](repeating: -1, count: buckets)
  private var occupied = [UInt64](repeating: 0, count: buckets / 64)
  /// The tick up to which buckets have been emptied.
  private(set) var position: Int64

  init(at now: Moment) {
    position = now.milliseconds / Self.tick
  }

  /// The tick at which a deadline has passed for certain.
  static func tick(for deadline: Moment) -> Int64 {
    deadline == .never ? unfiled : deadline.milliseconds / tick + 1
  }

  /// The tick a slot with this deadline is filed under: never behind us, never a lap ahead.
  func filing(for deadline: Moment) -> Int64 {
    min(max(Self.tick(for: deadline), position + 1), position + Int64(Self.buckets) - 1)
  }

  /// The first slot in a tick's bucket, -1 if none.
  func head(of tick: Int64) -> Int32 { heads[Self.bucket(tick)] }

  /// Makes `index` the first of its bucket; the caller links the old head behind it.
  mutating func setHead(of tick: Int64, to index: Int32) {
    let bucket = Self.bucket(tick)
    heads[bucket] = index
    let bit = UInt64(1) << UInt64(bucket & 63)
    if index < 0 { occupied[bucket >> 6] &= ~bit } else { occupied[bucket >> 6] |= bit }
  }

  /// Goes on to the next tick if its time has come, and says which it is.
  mutating func advance(to now: Moment) -> Int64? {
    let current = now.milliseconds / Self.tick
    guard position < current else { return nil }
    guard let next = nextOccupied, next <= current else {
      position = current
      return nil
    }
    position = next
    return next
  }

  /// How many milliseconds the loop may sleep before a bucket is due; nil when none is filed.
  func wait(from now: Moment) -> Int64? {
    nextOccupied.map { max(0, $0 * Self.tick - now.milliseconds) }
  }

  /// The first tick after `position` whose bucket is not empty.
  private var nextOccupied: Int64? {
    var offset: Int64 = 1
    while offset < Int64(Self.buckets) {
      let bucket = Self.bucket(position + offset)
      let word = occupied[bucket >> 6] >> UInt64(bucket & 63)
      if word != 0 { return position + offset + Int64(word.trailingZeroBitCount) }
      offset += Int64(64 - bucket & 63)
    }
    // Words are searched whole, so the bucket of `position` itself was seen where it stands, a lap on.
    return nil
  }

  private static func bucket(_ tick: Int64) -> Int { Int(truncatingIfNeeded: tick) & (buckets - 1) }
}
