// Asking for what the DNS says now, past the cache: for whoever follows names and keeps answers itself.

extension Resolver {
  /// The most addresses, or services, of a name that is followed.
  package static var mostFollowed: Int { 256 }

  /// What the DNS says, and for how many milliseconds it counts.
  package struct Answer<Element: Sendable>: Sendable {
    package var elements: [Element]
    package var lifetime: Int64

    package init(elements: [Element], lifetime: Int64) {
      self.elements = elements
      self.lifetime = lifetime
    }
  }

  /// All addresses of a name, at least one, in no order, with port 0.
  package func currentAddresses(
    of host: String, until deadline: Moment
  ) async throws(ResolveError) -> Answer<SocketAddress> {
    let fixed = SocketAddress(numeric: host, port: 0).map { [$0] } ?? Self.loopback(host, port: 0)
    if let fixed { return Answer(elements: fixed, lifetime: limits.ttl.upperBound * 1000) }
    let name = try await ask(
      host, ResolverQuestion(kind: .addresses, most: Self.mostFollowed, isSorted: false), deadline)
    return Answer(elements: name.addresses, lifetime: name.lifetime(from: reactor.now))
  }

  /// The SRV records of a name, at least one, in no order: RFC 2782.
  package func currentServices(
    of name: String, until deadline: Moment
  ) async throws(ResolveError) -> Answer<ServiceRecord> {
    let name = try await ask(
      name, ResolverQuestion(kind: .services, most: Self.mostFollowed), deadline)
    return Answer(elements: name.services, lifetime: name.lifetime(from: reactor.now))
  }

  private func ask(
    _ host: String, _ question: ResolverQuestion, _ deadline: Moment
  ) async throws(ResolveError) -> ResolverName {
    guard Self.mayBeName(host.utf8) else { throw .notFound }
    let name = ResolverName(ResolverKey(host: host, port: 0), question)
    ask(for: name)
    if name.isPending { await wait(for: name, until: deadline) }
    if name.isPending { throw .timedOut }
    if let error = name.error { throw error }
    return name
  }
}

extension ResolverName {
  fileprivate func lifetime(from now: Moment) -> Int64 {
    max(0, expiry.milliseconds - now.milliseconds)
  }
}
