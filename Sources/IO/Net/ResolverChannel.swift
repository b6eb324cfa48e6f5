// c-ares, wrapped: one channel, its sockets, and the callbacks that enter Swift from C.
//
// c-ares opens and closes its sockets itself, and reads TCP answers one piece a call, so they do not
// fit an edge-triggered reactor. They are watched, level-triggered, by an epoll of the channel's own,
// and the reactor watches that: one descriptor with one owner, whatever c-ares does inside.
import CAres
import CLinux
import Glibc

/// An open c-ares channel. Closed when it ends; every query must have ended before.
@safe
struct ResolverChannel: ~Copyable {
  private let channel: ares_channel
  private let sockets: Descriptor

  private static let library = ares_library_init(ARES_LIB_INIT_ALL)

  /// Opens a channel; c-ares reads /etc/resolv.conf now.
  ///
  /// - Parameter servers: "address:port,..." instead of those in resolv.conf.
  init(servers: String?, _ limits: Resolver.Limits) throws(ResolveError) {
    let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard Self.library == 0, epoll >= 0 else { throw .serverFailed }
    let sockets = Descriptor(adopting: epoll)
    var options = unsafe ares_options()
    unsafe options.timeout = Int32(clamping: limits.attemptTime)
    unsafe options.tries = Int32(clamping: limits.attempts)
    unsafe options.sock_state_cb = unsafe resolverSocketChanged
    // The callback is given the number itself, so there is no pointer that could dangle.
    unsafe options.sock_state_cb_data = UnsafeMutableRawPointer(bitPattern: Int(epoll))
    let mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB
    var opened: ares_channel?
    // SAFETY: c-ares copies what it needs of the options.
    let status = unsafe ares_init_options(&opened, &options, mask)
    guard status == 0, let channel = unsafe opened else { throw .serverFailed }
    if let servers, unsafe ares_set_servers_ports_csv(channel, servers) != 0 {
      unsafe ares_destroy(channel)
      throw .serverFailed
    }
    unsafe self.channel = unsafe channel
    self.sockets = sockets
  }

  deinit {
    // SAFETY: ours alone. c-ares calls back for each query that still runs before this returns; the
    // callback needs nothing but the name it retained.
    unsafe ares_destroy(channel)
  }

  /// What the reactor watches: readable when one of c-ares' sockets is.
  var number: Int32 { sockets.number }

  /// Asks for a name's IPv4 and IPv6 addresses. Sooner or later, even before this returns
  /// (/etc/hosts), `name.answer` is set, once.
  func look(up name: ResolverName) {
    var hints = ares_addrinfo_hints()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    // SAFETY: the callback is called exactly once (also by ares_destroy) and takes over this retain.
    unsafe ares_getaddrinfo(
      channel, name.key.host, nil, &hints, resolverAnswered, Unmanaged.passRetained(name).toOpaque()
    )
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
          unsafe ares_process_fd(channel, readable ? fd : -1, writable ? fd : -1)
        }
      }
    }
    unsafe ares_process_fd(channel, -1, -1)
  }

  /// How many milliseconds c-ares may be left alone; nil when it waits for nothing.
  var pause: Int64? {
    var time = timeval()
    // SAFETY: c-ares fills the structure and returns its address, or nothing.
    guard unsafe ares_timeout(channel, nil, &time) != nil else { return nil }
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_usec) / 1000 + 1
  }

  private static let batch = 16
  private static let rounds = 64
}

/// c-ares has opened a socket, wants it watched otherwise, or is about to close it.
private func resolverSocketChanged(
  _ data: UnsafeMutableRawPointer?, _ socket: ares_socket_t, _ readable: Int32, _ writable: Int32
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
  _ data: UnsafeMutableRawPointer?, _ status: Int32, _ timeouts: Int32,
  _ result: UnsafeMutablePointer<ares_addrinfo>?
) {
  guard let data = unsafe data else { return }
  // SAFETY: takes over the retain of `look(up:)`; c-ares calls back once a query.
  let name = unsafe Unmanaged<ResolverName>.fromOpaque(data).takeRetainedValue()
  name.answer = unsafe resolverAnswer(status, result, port: name.key.port)
  // SAFETY: the result is ours to free, and nothing of it is kept.
  if let result = unsafe result { unsafe ares_freeaddrinfo(result) }
}

@unsafe private func resolverAnswer(
  _ status: Int32, _ result: UnsafeMutablePointer<ares_addrinfo>?, port: UInt16
) -> ResolverAnswer {
  guard status == ARES_SUCCESS else { return .failure(resolverError(status)) }
  var addresses: [SocketAddress] = []
  var ttl = Int64(Int32.max)
  // SAFETY: the list of nodes is c-ares' and stands until the result is freed.
  var next = unsafe result?.pointee.nodes
  while let node = unsafe next?.pointee, addresses.count < Resolver.mostAddresses {
    unsafe next = unsafe node.ai_next
    guard let address = unsafe resolverAddress(of: node, port: port) else { continue }
    addresses.append(address)
    ttl = min(ttl, unsafe Int64(node.ai_ttl))
  }
  return addresses.isEmpty ? .failure(.notFound) : .addresses(addresses, ttl: ttl)
}

@unsafe private func resolverAddress(of node: ares_addrinfo_node, port: UInt16) -> SocketAddress? {
  let size = unsafe Int(node.ai_addrlen)
  guard let from = unsafe node.ai_addr, size <= MemoryLayout<sockaddr_storage>.size else {
    return nil
  }
  var storage = sockaddr_storage()
  // SAFETY: c-ares says how long the address is, and it was checked to fit.
  unsafe withUnsafeMutableBytes(of: &storage) { bytes in
    unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: from, count: size))
  }
  switch SocketAddress(storage) {
  case .v4(let address, _):
    return .v4(address, port: port)
  case .v6(let high, let low, let scope, _):
    return .v6(high: high, low: low, scope: scope, port: port)
  case .unix:
    return nil
  }
}

private func resolverError(_ status: Int32) -> ResolveError {
  switch status {
  case ARES_ENOTFOUND, ARES_ENODATA, ARES_ENONAME, ARES_EBADNAME, ARES_EBADSTR: .notFound
  case ARES_ETIMEOUT: .timedOut
  default: .serverFailed
  }
}
