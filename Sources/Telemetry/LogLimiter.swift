// Keeps a condition that repeats, such as a full descriptor table, from filling the log.
import IO

/// Lets one line through per interval and counts the others. A pure value: whoever holds it tells it
/// the time.
///
///     if let suppressed = limiter.admit(at: reactor.now) {
///       Log.error("cannot accept: \(error)\(LogLimiter.note(suppressed))")
///     }
package struct LogLimiter: Sendable {
  private let interval: Int64
  private var next: Moment?
  private var suppressed = 0

  /// - Parameter milliseconds: the least time between two lines.
  package init(milliseconds: Int64) {
    interval = milliseconds
  }

  /// Asks to log something now.
  ///
  /// - Returns: how many requests to log were refused since the last one that was not; nil when this
  ///   one is refused.
  package mutating func admit(at now: Moment) -> Int? {
    if let next, now < next {
      suppressed += 1
      return nil
    }
    defer {
      next = now.advanced(by: interval)
      suppressed = 0
    }
    return suppressed
  }

  /// ` (12 more like this before)`, or nothing for 0: to be put at the end of a message.
  package static func note(_ suppressed: Int) -> String {
    suppressed == 0 ? "" : " (\(suppressed) more like this before)"
  }
}
