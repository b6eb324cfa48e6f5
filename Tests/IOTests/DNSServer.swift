// A DNS server that says what a test tells it to: one UDP socket on loopback and one thread.
import Glibc
import IO
import Synchronization

/// A scripted DNS server. Stops when it is told to.
final class DNSServer: Sendable {
  enum Reply {
    /// The IPv4 ones for a question of type A, the IPv6 ones for AAAA.
    case addresses([String], ttl: UInt32)
    /// NXDOMAIN.
    case noSuchName
    /// SERVFAIL.
    case failure
    case silence
  }

  /// What c-ares is to ask: "127.0.0.1:port".
  let address: String
  private let socket: Int32
  private let script: Mutex<@Sendable (String) -> Reply>
  private let asked = Mutex<[String]>([])

  /// Starts a server.
  init(_ script: @escaping @Sendable (String) -> Reply) throws {
    self.script = Mutex(script)
    socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let fd = socket
    // SAFETY: a sockaddr_in begins like a sockaddr, and its size is given.
    let bound = unsafe withUnsafePointer(to: &name) { pointer in
      unsafe bind(
        fd, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
        socklen_t(MemoryLayout<sockaddr_in>.size))
    }
    precondition(bound == 0)
    guard let local = Sockets.localAddress(of: fd) else { preconditionFailure() }
    address = local.description
  }

  /// Runs the body while the server answers.
  static func answering<T: Sendable>(
    _ script: @escaping @Sendable (String) -> Reply, _ body: (DNSServer) async throws -> T
  ) async throws -> T {
    let server = try DNSServer(script)
    let thread = try Thread(named: "test DNS") { server.serve() }
    let result: Result<T, any Error>
    do { result = .success(try await body(server)) } catch { result = .failure(error) }
    server.stop()
    thread.join()
    close(server.socket)
    return try result.get()
  }

  /// Answers from now on by another script.
  func answer(by script: @escaping @Sendable (String) -> Reply) {
    self.script.withLock { $0 = script }
  }

  /// How often a name was asked for, with type A.
  func count(of name: String) -> Int { asked.withLock { $0.count { $0 == name } } }

  private func stop() {
    guard let own = Sockets.localAddress(of: socket), case .v4(_, let port) = own else { return }
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    name.sin_port = port.bigEndian
    // SAFETY: as in init. An empty message tells `serve` to end.
    _ = unsafe withUnsafePointer(to: &name) { pointer in
      unsafe sendto(
        socket, nil, 0, 0, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
        socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }

  private func serve() {
    while true {
      var query = [UInt8](repeating: 0, count: 512)
      var sender = sockaddr()
      var length = socklen_t(MemoryLayout<sockaddr>.size)
      // SAFETY: recvfrom writes at most 512 bytes and one IPv4 address.
      let count = unsafe recvfrom(socket, &query, 512, 0, &sender, &length)
      guard count > 12 else { return }
      guard let reply = reply(to: Array(query.prefix(count))) else { continue }
      // SAFETY: the bytes and the address are local and of the sizes given.
      _ = unsafe sendto(socket, reply, reply.count, 0, &sender, length)
    }
  }

  /// One message, by RFC 1035 4.1.
  private func reply(to query: [UInt8]) -> [UInt8]? {
    var labels: [String] = []
    var i = 12
    while query[i] != 0 {
      let end = i + 1 + Int(query[i])
      labels.append(String(decoding: query[i + 1..<end], as: UTF8.self))
      i = end
    }
    let wantsV4 = query[i + 2] == 1
    let question = query[12..<i + 5]
    let name = labels.joined(separator: ".")
    if wantsV4 { asked.withLock { $0.append(name) } }
    var code: UInt8 = 0
    var answers: [[UInt8]] = []
    switch script.withLock({ $0 })(name) {
    case .silence: return nil
    case .noSuchName: code = 3
    case .failure: code = 2
    case .addresses(let list, let ttl):
      answers = list.compactMap { Self.record($0, ttl: ttl, v4: wantsV4) }
    }
    var reply = Array(query.prefix(2)) + [0x81, 0x80 | code, 0, 1, 0, UInt8(answers.count)]
    reply += [0, 0, 0, 0] + question + answers.joined()
    return reply
  }

  private static func record(_ text: String, ttl: UInt32, v4 wantsV4: Bool) -> [UInt8]? {
    switch SocketAddress(numeric: text, port: 0) {
    case .v4(let address, _) where wantsV4:
      [0xc0, 12, 0, 1, 0, 1] + bytes(ttl) + [0, 4] + bytes(address)
    case .v6(let high, let low, _, _) where !wantsV4:
      [0xc0, 12, 0, 28, 0, 1] + bytes(ttl) + [0, 16] + bytes(high) + bytes(low)
    default: nil
    }
  }

  private static func bytes<N: FixedWidthInteger>(_ number: N) -> [UInt8] {
    stride(from: N.bitWidth - 8, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: number >> N($0))
    }
  }
}
