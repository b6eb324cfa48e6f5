// Host names to addresses, asynchronously, with a cache. The questions are asked by c-ares; here is
// who waits for which answer, and how long an answer counts.
//
// A good answer counts for its time to live. When it is too old the next to ask waits for a new one,
// but not long: while the DNS is down or silent, the last good answer goes on serving.

/// The resolver of one worker. Worker-confined.
package final class Resolver {
  /// What bounds the cache and the waiting.
  package struct Limits: Sendable {
    /// The least and the most seconds a good answer counts, whatever its time to live says.
    package var ttl: ClosedRange<Int64> = 5...300
    /// Milliseconds for which a name that does not exist is not asked for again.
    package var notFoundPause: Int64 = 5000
    /// Milliseconds for which the servers are not asked again after a failure.
    package var failurePause: Int64 = 1000
    /// Milliseconds to wait for a new answer when there is an old one to go on with.
    package var refreshPatience: Int64 = 1000
    /// How many names are known at once.
    package var names = 1024
    /// Milliseconds until a server is asked again; doubled at each further attempt.
    package var attemptTime: Int64 = 1000
    /// How often each server is asked.
    package var attempts = 3

    package init() {}

    /// The milliseconds that an answer with a time to live of so many seconds counts.
    func lifetime(ofTTL seconds: Int64) -> Int64 {
      min(max(seconds, ttl.lowerBound), ttl.upperBound) * 1000
    }
  }

  /// How many addresses of one name are kept; the others of a longer answer are dropped.
  static let mostAddresses = 32

  let reactor: Reactor
  private let servers: String?
  let limits: Limits
  private var names: [ResolverKey: ResolverName] = [:]
  private var pending: [ResolverName] = []
  /// Open only while something is asked, so a changed /etc/resolv.conf counts from the next question.
  private var channel: ResolverChannel?
  private var waker: ResolverWaker?
  private var keeper: UInt16 = 0

  /// - Parameter servers: the DNS servers as "address:port,..."; nil: those of /etc/resolv.conf.
  package init(on reactor: Reactor, servers: String? = nil, limits: Limits = Limits()) {
    self.reactor = reactor
    self.servers = servers
    self.limits = limits
    let waker = ResolverWaker(self)
    self.waker = waker
    keeper = reactor.add(waker)
  }

  deinit {
    closeChannel()
    reactor.remove(keeper: keeper)
  }

  // MARK: Asking

  /// The addresses of a name, best first, if they are known and not too old.
  package func cached(_ host: String, port: UInt16, at now: Moment) -> [SocketAddress]? {
    guard let name = names[ResolverKey(host: host, port: port)] else {
      return Self.loopback(host, port: port)
    }
    return now < name.expiry && !name.addresses.isEmpty ? name.addresses : nil
  }

  /// The addresses of a name, best first (RFC 6724); at least one.
  ///
  /// Looks in the cache, /etc/hosts and the DNS, in this order. An address in numbers is its own
  /// answer, and `localhost` is this machine whatever those say (RFC 6761 6.3). Several who ask for one name and port share one query, which goes on when their time is
  /// up, so that its answer is there for the next.
  package func addresses(
    of host: String, port: UInt16, until deadline: Moment
  ) async throws(ResolveError) -> [SocketAddress] {
    if let address = SocketAddress(numeric: host, port: port) { return [address] }
    if let known = cached(host, port: port, at: reactor.now) { return known }
    let name = try name(ResolverKey(host: host, port: port))
    if reactor.now < name.expiry, let error = name.error { throw error }
    if !name.isPending { ask(for: name) }
    if name.isPending { await wait(for: name, until: deadline) }
    if name.addresses.isEmpty { throw name.isPending ? .timedOut : name.error ?? .timedOut }
    return name.addresses
  }

  static func loopback(_ host: String, port: UInt16) -> [SocketAddress]? {
    guard host == "localhost" || host.hasSuffix(".localhost") else { return nil }
    return [.v4(0x7f00_0001, port: port), .v6(high: 0, low: 1, scope: 0, port: port)]
  }

  func wait(for name: ResolverName, until deadline: Moment) async {
    var deadline = deadline
    if !name.addresses.isEmpty {
      deadline = min(deadline, reactor.now.advanced(by: limits.refreshPatience))
    }
    await unsafe withUnsafeContinuation { continuation in
      name.waiters.append(unsafe ResolverWaiter(continuation: continuation, deadline: deadline))
      rest()
    }
  }

  // MARK: The cache

  /// The entry of a name, made if need be; the one nearest its end makes room.
  private func name(_ key: ResolverKey) throws(ResolveError) -> ResolverName {
    if let known = names[key] { return known }
    guard Self.mayBeName(key.host.utf8) else { throw .notFound }
    if names.count >= limits.names {
      let idle = names.values.lazy.filter { !$0.isPending }
      guard let oldest = idle.min(by: { $0.expiry < $1.expiry }) else { throw .tooManyNames }
      names[oldest.key] = nil
    }
    let name = ResolverName(key)
    names[key] = name
    return name
  }

  /// RFC 1035 2.3.4: 255 octets on the wire are at most 253 characters and a last dot. (A NUL would
  /// end the name early in C.)
  static func mayBeName(_ text: String.UTF8View) -> Bool {
    let length = text.last == UInt8(ascii: ".") ? text.count - 1 : text.count
    return (1...253).contains(length) && !text.contains(0)
  }

  func ask(for name: ResolverName) {
    name.isPending = true
    pending.append(name)
    do {
      if channel == nil { try openChannel() }
      channel?.look(up: name)
    } catch {
      name.answer = .failure(error)
    }
    settle()
  }

  /// Gives the answers that have come to those who wait for them.
  private func settle() {
    for name in pending where name.answer != nil { name.settle(at: reactor.now, limits) }
    pending.removeAll { !$0.isPending }
    if pending.isEmpty { closeChannel() }
  }

  // MARK: The channel

  private func openChannel() throws(ResolveError) {
    let opened = try ResolverChannel(servers: servers, limits)
    do { try reactor.register(opened.number, as: .listener) } catch { throw .serverFailed }
    channel = consume opened
  }

  private func closeChannel() {
    guard let number = channel?.number else { return }
    reactor.forget(number)
    channel = nil
  }

  /// Leaves the channel with the reactor until an answer comes or somebody's time is up.
  private func rest() {
    guard let number = channel?.number else { return }
    var deadline = pending.lazy.flatMap(\.waiters).map(\.deadline).min() ?? .never
    if let pause = channel?.pause { deadline = min(deadline, reactor.now.advanced(by: pause)) }
    reactor.park(number, with: keeper, note: 0, until: deadline)
  }

  /// An answer has come, or somebody's time is up.
  fileprivate func wake() {
    if let number = channel?.number {
      // What comes from here on makes an edge again. If the channel went on being taken for readable,
      // `rest` would be told so at once and call this from within, until the stack is full.
      reactor.clear(number, .read)
      channel?.process()
    }
    settle()
    for name in pending { name.expire(at: reactor.now, limits) }
    rest()
  }
}

/// Stands for the resolver at the reactor.
private final class ResolverWaker: Keeper {
  private weak var resolver: Resolver?

  init(_ resolver: Resolver) { self.resolver = resolver }

  func wake(_ fd: Int32, note: UInt64, _ wake: Wake) { resolver?.wake() }
}
