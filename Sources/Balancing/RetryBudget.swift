// How many retries an upstream may have: a retry must never be what brings it down.

// Two bounds, and a retry needs both. At any moment retries stay below 20 % of the requests in flight.
// That alone does not bound their rate: where connections are refused at once, a retry is over as
// fast as it came, and each request could have its own. So in each second, too, retries stay within
// 20 % of the requests that came. Both let 3 pass whatever the traffic, or a quiet site would never
// retry. A dead upstream then sees at most 1.2 times its load, from 15 requests a second on.

/// One worker's account for one upstream. Worker-confined.
package struct RetryBudget: Sendable, BitwiseCopyable {
  /// A retry for as many requests.
  package static let requestsPerRetry = 5
  /// As many are always allowed at once, and in each window.
  package static let least = 3
  package static let window: Milliseconds = 1_000

  package private(set) var requestsInFlight = 0
  package private(set) var retriesInFlight = 0
  private var windowBegan: Milliseconds = 0
  private var requestsInWindow = 0
  private var retriesInWindow = 0

  package init() {}

  /// A client's request has begun; counted once, however often it is tried.
  package mutating func requestBegan(at now: Milliseconds) {
    turn(at: now)
    requestsInFlight += 1
    requestsInWindow += 1
  }

  package mutating func requestEnded() {
    requestsInFlight = max(0, requestsInFlight - 1)
  }

  /// Whether a retry may be made; if so it is counted until `retryEnded`.
  ///
  /// - Parameter wasReceived: a server may have worked on the request. If not, because none could be
  ///   reached, or because it was lost on a kept connection, which servers close as they like, the
  ///   retry adds nothing to the work of the servers, and does not count by the second.
  package mutating func takeRetry(at now: Milliseconds, wasReceived: Bool = true) -> Bool {
    turn(at: now)
    let inFlight = retriesInFlight + 1
    guard inFlight <= Self.least || inFlight * Self.requestsPerRetry < requestsInFlight else {
      return false
    }
    if wasReceived {
      let recent = retriesInWindow + 1
      guard recent <= Self.least || recent * Self.requestsPerRetry <= requestsInWindow else {
        return false
      }
      retriesInWindow = recent
    }
    retriesInFlight = inFlight
    return true
  }

  package mutating func retryEnded() {
    retriesInFlight = max(0, retriesInFlight - 1)
  }

  private mutating func turn(at now: Milliseconds) {
    guard now - windowBegan >= Self.window else { return }
    windowBegan = now
    requestsInWindow = 0
    retriesInWindow = 0
  }
}
