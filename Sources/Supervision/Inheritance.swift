// Listening sockets that were open before this process was: opened by systemd (sd_listen_fds(3)), or by
// the rsp that this one takes over from.
import Balancing
import Configuration
import Glibc
import IO
import Telemetry

/// Sockets that wait for the listener they are for. Each ends in a `ListeningSockets` or is closed.
package struct Inheritance: Sendable {
  struct Item: Sendable {
    var address: ListenAddress?
    /// What it is bound to, for those whose address in the configuration is not known.
    var bound: SocketAddress?
    var sockets: [Int32]
    var isShared: Bool
    var isBorrowed: Bool
  }
  private var items: [Item] = []
  /// What the cookies of sticky upstreams are signed with.
  var stickyKey: SipHash.Key?
  /// The keys of session tickets, and the second since 1970 when the newest was made.
  var ticketKeys: [UInt8] = []
  var ticketTime = 0
  /// The control socket, and its path.
  var control: (path: String, number: Int32)?
  /// What the operator wanted of servers, by upstream and server.
  var wishes: [String: [String: Administrative]] = [:]
  /// The process that all this is from.
  var predecessor: Predecessor?

  package init() {}

  /// The sockets that systemd opened for this process, in descriptors from 3 on.
  package static func fromServiceManager() -> Inheritance {
    var inheritance = Inheritance()
    let pid = Process.environment("LISTEN_PID")
    let count = Process.environment("LISTEN_FDS").flatMap { Int32($0) } ?? 0
    // For us, and not for a process we start.
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { Process.forget(name) }
    guard pid == "\(Process.id)", count > 0, count <= 1024 else { return inheritance }
    for fd in 3..<(3 + count) {
      let path = Sockets.boundPath(of: fd)
      inheritance.items.append(
        Item(
          bound: path.map { .unix($0) } ?? Sockets.localAddress(of: fd), sockets: [fd],
          isShared: true, isBorrowed: true))
    }
    return inheritance
  }

  mutating func add(_ item: Item) { items.append(item) }

  /// Whether there are sockets on this port.
  func holds(_ port: UInt16) -> Bool {
    port != 0 && items.contains { ($0.address?.port ?? $0.bound?.port) == port }
  }

  /// The sockets for a listener; nil when there are none.
  mutating func take(
    _ listener: ListenerConfiguration, workers: Int
  ) throws(ListenError) -> ListeningSockets? {
    guard let index = items.firstIndex(where: { $0.isFor(listener.address) }) else { return nil }
    let item = items.remove(at: index)
    return try ListeningSockets.adopt(
      item.sockets, for: listener, workers: workers, shared: item.isShared,
      borrowed: item.isBorrowed)
  }

  /// Closes what no listener wanted.
  mutating func closeRest() {
    for item in items {
      if item.isBorrowed {
        let address = item.bound.map { "\($0)" } ?? "a socket"
        Log.warning("\(address) was opened for rsp, but no `listen` asks for it")
      }
      for fd in item.sockets { _ = Descriptor(adopting: fd) }
    }
    items = []
  }
}

extension Inheritance.Item {
  /// Whether these are the sockets of a listener at this address.
  func isFor(_ wanted: ListenAddress) -> Bool {
    if let address { return address == wanted }
    guard let bound else { return false }
    if case .any(let port) = wanted {
      // systemd's `ListenStream=80` is "::", which takes both; "0.0.0.0:80" is as good as it gets.
      return bound == .v6(high: 0, low: 0, scope: 0, port: port) || bound == .v4(0, port: port)
    }
    return (try? socketAddress(of: wanted))?.0 == bound
  }
}
