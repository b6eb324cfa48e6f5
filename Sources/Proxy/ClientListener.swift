// The listeners of one worker: which there are, and what becomes of their connections when one ends.
import Configuration
import HTTP
import IO
import Routing

/// One configured listener as one worker has it. Worker-confined.
final class ClientListener {
  /// What a listener's connections may do.
  enum Phase {
    case open
    /// Another process has taken the listener over: each connection may make one more request, which
    /// is answered with `Connection: close`. None is closed under a request that is on its way.
    case lastRequests
    /// It is not in the configuration any more: only connections that have made no request wait for
    /// one; the others end when they are idle.
    case firstRequests
    /// The process stops: whatever is idle ends.
    case closed
  }

  let address: ListenAddress
  /// Its place in the table, which each of its connections remembers.
  let slot: UInt8
  /// In force at once, for connections that there are already, too.
  var options: ListenerOptions {
    didSet {
      headLimits = HeadLimits(of: options)
      trustsAnybody = !options.trusted.isEmpty
    }
  }
  private(set) var headLimits: HeadLimits
  /// Kept, since to ask the set itself counts references, for each connection.
  private var trustsAnybody: Bool
  /// Present where TLS is spoken.
  var security: ListenerSecurity?
  /// Whether connections begin with a request in the clear, and not with something that has to be
  /// read or decided first (Worker+Start.swift).
  var isPlain = true
  var phase = Phase.open
  /// The sockets whose tasks accept for it.
  var sockets: Set<Int32> = []
  /// Connections that it accepted and that exist.
  var connections = 0

  init(_ address: ListenAddress, _ options: ListenerOptions, slot: UInt8 = 0) {
    self.address = address
    self.options = options
    headLimits = HeadLimits(of: options)
    trustsAnybody = !options.trusted.isEmpty
    self.slot = slot
  }

  /// Whether a peer is a proxy whose word about the client is believed.
  func trusts(_ peer: SocketAddress) -> Bool { trustsAnybody && isTrusted(peer) }

  @inline(never)
  private func isTrusted(_ peer: SocketAddress) -> Bool {
    InternetAddress(peer).map(options.trusted.contains) ?? false
  }

  /// Whether it accepts nothing more and its connections end after the exchange they are in.
  var isClosing: Bool { phase != .open }

  /// Whether a connection without a request may wait for one.
  func letsRest(_ record: ConnectionRecord) -> Bool {
    switch phase {
    case .open, .lastRequests: true
    case .firstRequests: record.requests == 0
    case .closed: false
    }
  }

  /// Nothing of it is left.
  var isOver: Bool { isClosing && sockets.isEmpty && connections == 0 }
}

/// A worker's listeners by their slots. A slot is free again when the last connection has ended.
struct ListenerTable {
  /// A connection remembers its listener in eight bits.
  static let most = 256
  private var slots: [ClientListener?] = []

  subscript(slot: UInt8) -> ClientListener? {
    Int(slot) < slots.count ? slots[Int(slot)] : nil
  }

  var all: [ClientListener] { slots.compactMap { $0 } }

  /// Whether all of these can be open at once, beside those that are open or not yet over.
  func hasRoom(for addresses: [ListenAddress]) -> Bool {
    let open = Set(all.lazy.filter { !$0.isClosing }.map(\.address))
    return all.count + addresses.count { !open.contains($0) } <= Self.most
  }

  /// The open listener at this address.
  func open(at address: ListenAddress) -> ClientListener? {
    all.first { $0.address == address && !$0.isClosing }
  }

  /// A new listener; nil when every slot is taken.
  mutating func add(_ address: ListenAddress, _ options: ListenerOptions) -> ClientListener? {
    let free = slots.firstIndex { $0 == nil } ?? slots.count
    guard let slot = UInt8(exactly: free) else { return nil }
    let listener = ClientListener(address, options, slot: slot)
    if free == slots.count { slots.append(listener) } else { slots[free] = listener }
    return listener
  }

  /// Frees the slot of a listener of which nothing is left.
  mutating func release(_ listener: ClientListener) {
    if listener.isOver { slots[Int(listener.slot)] = nil }
  }
}

extension HeadLimits {
  fileprivate init(of options: ListenerOptions) {
    self.init(head: options.maxHead, line: options.maxLine, fields: options.maxFields)
  }
}
