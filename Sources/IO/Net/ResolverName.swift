// One name the resolver knows: its last good addresses, how the last look-up ended, until when that
// counts, and who waits for the one that runs.

/// Why a name has no address.
package enum ResolveError: Error, Equatable, Sendable {
  /// The name does not exist, has no address, or is no name at all.
  case notFound
  /// The DNS servers cannot be asked or fail (SERVFAIL, REFUSED, no socket left).
  case serverFailed
  /// No answer in time.
  case timedOut
  /// As many names are being looked up as the resolver may know.
  case tooManyNames
}

/// What the cache is searched by.
struct ResolverKey: Hashable {
  let host: String
  let port: UInt16
}

/// What is asked about a name, and how much of the answer is wanted.
struct ResolverQuestion {
  enum Kind { case addresses, services }
  var kind = Kind.addresses
  /// How many addresses or services are kept; the others of a longer answer are dropped.
  var most = Resolver.mostAddresses
  /// Whether the addresses are wanted best first (RFC 6724).
  var isSorted = true
}

/// How a look-up ended.
enum ResolverAnswer {
  /// The addresses, best first (RFC 6724), and the smallest of their times to live in seconds.
  case addresses([SocketAddress], ttl: Int64)
  case services([ServiceRecord], ttl: Int64)
  case failure(ResolveError)
}

/// A task that waits for a look-up.
@safe
struct ResolverWaiter {
  let continuation: UnsafeContinuation<Void, Never>
  let deadline: Moment
}

/// A name in the resolver's cache. Worker-confined.
final class ResolverName {
  let key: ResolverKey
  let question: ResolverQuestion
  /// The last good answer; kept when it is too old, for the time the DNS is down. Empty if none.
  private(set) var addresses: [SocketAddress] = []
  /// The same for a question about services.
  private(set) var services: [ServiceRecord] = []
  /// How the last look-up failed; nil after a good one.
  private(set) var error: ResolveError?
  /// Until when `addresses` or `services`, or else `error`, is to be used without asking again.
  private(set) var expiry = Moment(milliseconds: .min)
  /// Whether a query is on its way.
  var isPending = false
  /// What the query gave; written by c-ares' callback, taken by `settle`.
  var answer: ResolverAnswer?
  var waiters: [ResolverWaiter] = []

  init(_ key: ResolverKey, _ question: ResolverQuestion = ResolverQuestion()) {
    self.key = key
    self.question = question
  }

  /// Takes in what the query gave, and wakes everybody who waits for it.
  func settle(at now: Moment, _ limits: Resolver.Limits) {
    guard let answer else { return }
    self.answer = nil
    isPending = false
    switch answer {
    case .addresses(let list, let ttl):
      addresses = list
      error = nil
      expiry = now.advanced(by: limits.lifetime(ofTTL: ttl))
    case .services(let list, let ttl):
      services = list
      error = nil
      expiry = now.advanced(by: limits.lifetime(ofTTL: ttl))
    case .failure(let failure):
      // A name that is gone is gone; any other failure says nothing about the addresses.
      if failure == .notFound { addresses = [] }
      error = failure
      expiry = now.advanced(
        by: failure == .notFound ? limits.notFoundPause : limits.failurePause)
    }
    let waiting = waiters
    waiters = []
    for waiter in waiting { unsafe waiter.continuation.resume() }
  }

  /// Wakes those whose deadline has passed.
  func expire(at now: Moment, _ limits: Resolver.Limits) {
    guard waiters.contains(where: { $0.deadline <= now }) else { return }
    // The next to ask get the old answer at once, and do not wait for the same silence.
    if !addresses.isEmpty { expiry = now.advanced(by: limits.failurePause) }
    let late = waiters.filter { $0.deadline <= now }
    waiters.removeAll { $0.deadline <= now }
    for waiter in late { unsafe waiter.continuation.resume() }
  }
}
