// How fast the sink of a relay takes bytes, and so how many are worth moving in one turn.
// It is seen from the moments at which the sink was full: between two of them it took what it could.
import IO

/// The pace of one relay's sink. One that was never full may be as fast as it likes.
struct SinkPace {
  /// When the sink was last full; nil while it never was.
  private var fullAt: Moment?
  /// How much of the body had come by then, in bytes.
  private var bytesThen: UInt64 = 0
  /// What it took in a `horizon`, between the last two moments at which it was full.
  private var before = 0

  /// Notes that the sink takes nothing more for now.
  ///
  /// - Parameter bytes: how much of the body has come so far.
  mutating func noteFull(after bytes: UInt64, at now: Moment) {
    if fullAt != nil {
      // Somebody else was waited for, too, and woke the relay.
      guard bytes > bytesThen else { return }
      before = taken(by: bytes, now)
    }
    fullAt = now
    bytesThen = bytes
  }

  /// The most that one turn is to move, in bytes: what the sink takes in a `horizon`, and at least
  /// `least`. More would only lie in the kernel's buffers, and be fetched from the server in one
  /// burst while everybody else waits.
  func perTurn(after bytes: UInt64, at now: Moment) -> Int {
    if fullAt == nil { return .max }
    // A sink that has become faster is noticed without having to be full once more.
    return max(Self.least, before, taken(by: bytes, now))
  }

  /// What the sink has taken in each `horizon` since it was full, in bytes.
  private func taken(by bytes: UInt64, _ now: Moment) -> Int {
    guard let fullAt else { return 0 }
    let elapsed = max(Self.grain, now.milliseconds - fullAt.milliseconds)
    let (product, overflow) = Int(clamping: bytes - bytesThen)
      .multipliedReportingOverflow(by: Self.horizon)
    return overflow ? .max : product / Int(elapsed)
  }

  static let least = 16384
  /// Milliseconds.
  private static let horizon = 250
  /// Milliseconds: the reactor's time is not more exact.
  private static let grain: Int64 = 4
}
