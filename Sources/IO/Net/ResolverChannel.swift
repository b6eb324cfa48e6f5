// c-ares, wrapped: one channel, its sockets, and the callbacks that enter Swift from C.
//
// c-ares opens and closes its sockets itself, and reads TCP answers one piece a call, so they do not
// fit an edge-triggered reactor. They are watched, level-triggered, by an epoll of the channel's own,
// and the reactor watches that: one descriptor with one owner, whatever c-ares does inside.
import CAres
import CLinux
import Glibc

/// An open c-ares channel. Closed when it ends.
@safe
struct ResolverChannel: ~Copyable {
  private let channel: OpaquePointer
  private let sockets: Descriptor

  /// Opens a channel; c-ares reads /etc/resolv.conf now.
  ///
  /// - Parameter servers: "address:port,..." instead of those in resolv.conf.
  init(servers: String?, _ limits: Resolver.Limits) throws(ResolveError) {
    let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epoll >= 0 else { throw .serverFailed }
    let sockets = Descriptor(adopting: epoll)
    let time = Int32(clamping: limits.attemptTime)
    let attempts = Int32(clamping: limits.attempts)
    // SAFETY: c-ares copies the text. The context is the number itself, no pointer that could dangle.
    let opened = unsafe cares_open(
      servers, time, attempts, resolverSocketChanged,
      UnsafeMutableRawPointer(bitPattern: Int(epoll)))
    guard let channel = unsafe opened else { throw .serverFailed }
    unsafe self.channel = unsafe channel
    self.sockets = sockets
  }

  deinit {
    // SAFETY: ours alone. Queries that still run are answered before this returns, to the name that
    // each retained.
    unsafe cares_close(channel)
  }

  /// What the reactor watches: readable when one of c-ares' sockets is.
  var number: Int32 { sockets.number }

  /// Asks for a name's IPv4 and IPv6 addresses, or its services. Sooner or later, even before this returns
  /// (/etc/hosts), `name.answer` is set, once.
  func look(up name: ResolverName) {
    // SAFETY: the callback is called exactly once (if need be by cares_close) and takes over this
    // retain.
    let context = unsafe Unmanaged.passRetained(name).toOpaque()
    switch name.question.kind {
    case .addresses:
      unsafe cares_look_up(
        channel, name.key.host, name.question.isSorted ? 1 : 0, resolverAnswered, context)
    case .services:
      unsafe cares_look_up_services(channel, name.key.host, resolverServicesCame, context)
    }
  }

  /// Lets c-ares read its answers and mind its timeouts.
  func process() {
    unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: Self.batch) { events in
      guard let base = events.baseAddress else { return }
      // Until nothing is ready: the reactor is told of the next edge only. Bounded, so that a server
      // cannot hold the worker by talking without end; what is left waits for c-ares' timeout.
      for _ in 0..<Self.rounds {
        // SAFETY: `events` has room for `batch` events, of which the kernel fills `count`.
        let count = unsafe clinux_epoll_wait(number, base, Int32(Self.batch), 0)
        guard count > 0 else { break }
        for i in 0..<Int(count) {
          let fd = unsafe Int32(truncatingIfNeeded: events[i].data.u64)
          let writable = unsafe events[i].events & EPOLLOUT.rawValue != 0
          let readable = unsafe events[i].events & ~EPOLLOUT.rawValue != 0
          // A socket that c-ares closed meanwhile is one it does not find.
          unsafe cares_process(channel, readable ? fd : -1, writable ? fd : -1)
        }
      }
    }
    unsafe cares_process(channel, -1, -1)
  }

  /// How many milliseconds c-ares may be left alone; nil when it waits for nothing.
  var pause: Int64? {
    let pause = unsafe cares_pause(channel)
    return pause < 0 ? nil : pause
  }

  private static let batch = 16
  private static let rounds = 64
}

/// c-ares has opened a socket, wants it watched otherwise, or is about to close it.
private func resolverSocketChanged(
  _ data: UnsafeMutableRawPointer?, _ socket: Int32, _ readable: Int32, _ writable: Int32
) {
  let epoll = Int32(truncatingIfNeeded: Int(bitPattern: data))
  var events: UInt32 = 0
  if readable != 0 { events |= EPOLLIN.rawValue }
  if writable != 0 { events |= EPOLLOUT.rawValue }
  let note = UInt64(UInt32(bitPattern: socket))
  if events == 0 {
    _ = clinux_epoll_ctl(epoll, EPOLL_CTL_DEL, socket, 0, note)
  } else if clinux_epoll_ctl(epoll, EPOLL_CTL_MOD, socket, events, note) == -ENOENT {
    // Refused (ENOSPC), the query ends by its timeout.
    _ = clinux_epoll_ctl(epoll, EPOLL_CTL_ADD, socket, events, note)
  }
}

/// c-ares has finished a query. Only notes the answer: what follows happens outside C's frames.
private func resolverAnswered(
  _ data: UnsafeMutableRawPointer?, _ status: Int32, _ timeouts: Int32, _ result: OpaquePointer?
) {
  guard let data = unsafe data else { return }
  // SAFETY: takes over the retain of `look(up:)`; c-ares calls back once a query.
  let name = unsafe Unmanaged<ResolverName>.fromOpaque(data).takeRetainedValue()
  name.answer = unsafe resolverAnswer(status, result, for: name)
  // SAFETY: the result is ours to free, and nothing of it is kept.
  if let result = unsafe result { unsafe cares_free(result) }
}

/// c-ares has finished a query for services; likewise.
private func resolverServicesCame(
  _ data: UnsafeMutableRawPointer?, _ status: Int32, _ timeouts: Int32,
  _ message: UnsafeMutablePointer<UInt8>?, _ length: Int32
) {
  guard let data = unsafe data else { return }
  // SAFETY: as in resolverAnswered.
  let name = unsafe Unmanaged<ResolverName>.fromOpaque(data).takeRetainedValue()
  if let failure = resolverFailure(status) {
    name.answer = .failure(failure)
    return
  }
  // SAFETY: the message has so many bytes and stands until we return; they are copied.
  let bytes = unsafe Array(UnsafeBufferPointer(start: message, count: Int(max(0, length))))
  name.answer = ServiceMessage.answer(in: bytes, most: name.question.most)
}

private func resolverFailure(_ status: Int32) -> ResolveError? {
  switch cares_kind(status) {
  case cares_ok: nil
  case cares_not_found: .notFound
  case cares_timed_out: .timedOut
  default: .serverFailed
  }
}

@unsafe private func resolverAnswer(
  _ status: Int32, _ result: OpaquePointer?, for name: ResolverName
) -> ResolverAnswer {
  if let failure = resolverFailure(status) { return .failure(failure) }
  var addresses: [SocketAddress] = []
  var least = Int32.max
  // SAFETY: the list of nodes is c-ares' and stands until the result is freed.
  var next = unsafe result.flatMap { unsafe cares_first($0) }
  while let node = unsafe next, addresses.count < name.question.most {
    unsafe next = cares_next(node)
    var length = 0
    var ttl: Int32 = 0
    let form = unsafe UnsafeRawBufferPointer(
      start: cares_address(node, &length, &ttl), count: length)
    guard let address = unsafe resolverAddress(form, port: name.key.port) else { continue }
    addresses.append(address)
    least = min(least, ttl)
  }
  return addresses.isEmpty ? .failure(.notFound) : .addresses(addresses, ttl: Int64(least))
}

@unsafe private func resolverAddress(
  _ form: UnsafeRawBufferPointer, port: UInt16
) -> SocketAddress? {
  var storage = sockaddr_storage()
  guard form.count <= MemoryLayout<sockaddr_storage>.size else { return nil }
  // SAFETY: the address was checked to fit in the storage.
  unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyMemory(from: form) }
  switch SocketAddress(storage) {
  case .v4(let address, _):
    return .v4(address, port: port)
  case .v6(let high, let low, let scope, _):
    return .v6(high: high, low: low, scope: scope, port: port)
  case .unix:
    return nil
  }
}
