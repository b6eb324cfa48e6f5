// How many of a server's last requests have gone wrong: what the circuit breaker looks at.

/// Two halves of a window: counting goes to the newer, the older is dropped when that is full. So
/// between a half and a whole window is looked back on, for the price of four counters.
struct ErrorWindow: Sendable, BitwiseCopyable {
  private var began: Milliseconds = 0
  private var requests: UInt32 = 0
  private var errors: UInt32 = 0
  private var olderRequests: UInt32 = 0
  private var olderErrors: UInt32 = 0

  /// Counts a request.
  ///
  /// - Returns: whether there are too many errors.
  mutating func count(isError: Bool, at now: Milliseconds, policy: BreakerPolicy) -> Bool {
    let age = now - began
    if age >= policy.window {
      self = ErrorWindow()
      began = now
    } else if age >= policy.window / 2 {
      (olderRequests, olderErrors) = (requests, errors)
      (requests, errors) = (0, 0)
      began = now
    }
    requests &+= 1
    if isError { errors &+= 1 }
    let total = Int(requests) + Int(olderRequests)
    let wrong = Int(errors) + Int(olderErrors)
    return isError && total >= policy.minimumRequests && wrong * 100 >= total * policy.errorPercent
  }
}
