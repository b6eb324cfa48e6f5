// A DNS server that says what a test tells it to: a UDP and a TCP socket on loopback, a thread each.
import Glibc
import IO
import Synchronization

/// A scripted DNS server. Stops when it is told to.
package final class DNSServer: Sendable {
  package enum Reply: Sendable {
    /// The IPv4 ones for a question of type A, the IPv6 ones for AAAA.
    case addresses([String], ttl: UInt32)
    /// NXDOMAIN.
    case noSuchName
    /// SERVFAIL.
    case failure
    case silence
    /// By UDP a truncated answer without addresses; by TCP all of them, one byte a packet.
    case byTCP([String], ttl: UInt32)
    /// For a question of type SRV.
    case services([ServiceRecord], ttl: UInt32)
    /// The bytes of the answer section, with so many records.
    case raw([UInt8], count: UInt16)
  }

  /// What c-ares is to ask: "127.0.0.1:port".
  package let address: String
  private let udp: Int32
  private let tcp: Int32
  private let script: Mutex<@Sendable (String) -> Reply>
  private let asked = Mutex<[String]>([])

  private init(_ script: @escaping @Sendable (String) -> Reply) throws {
    self.script = Mutex(script)
    while true {
      let listener = try Sockets.listen(at: .v4(0x7f00_0001, port: 0), backlog: 16)
      guard let local = Sockets.localAddress(of: listener.number) else { preconditionFailure() }
      let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
      var name = Self.loopback(port: local.port)
      if unsafe bind(socket, &name, socklen_t(MemoryLayout<sockaddr>.size)) != 0 {
        // Somebody has the UDP port of this number.
        close(socket)
        continue
      }
      address = local.description
      udp = socket
      tcp = listener.release()
      precondition(fcntl(tcp, F_SETFL, 0) == 0)
      return
    }
  }

  deinit {
    close(udp)
    close(tcp)
  }

  /// Runs the body while the server answers.
  package static func answering<T: Sendable>(
    _ script: @escaping @Sendable (String) -> Reply, _ body: (DNSServer) async throws -> T
  ) async throws -> T {
    let server = try DNSServer(script)
    let byUDP = try Thread(named: "test DNS, UDP") { server.serveUDP() }
    let byTCP = try Thread(named: "test DNS, TCP") { server.serveTCP() }
    let result: Result<T, any Error>
    do { result = .success(try await body(server)) } catch { result = .failure(error) }
    server.stop()
    byUDP.join()
    byTCP.join()
    return try result.get()
  }

  /// Answers from now on by another script.
  package func answer(by script: @escaping @Sendable (String) -> Reply) {
    self.script.withLock { $0 = script }
  }

  /// How often a name was asked for, with type A or SRV.
  package func count(of name: String) -> Int { asked.withLock { $0.count { $0 == name } } }

  // MARK: The threads

  /// An empty message ends the one thread, a listener that listens no more the other.
  private func stop() {
    guard let port = Sockets.localAddress(of: udp)?.port else { return }
    var name = Self.loopback(port: port)
    _ = unsafe sendto(udp, nil, 0, 0, &name, socklen_t(MemoryLayout<sockaddr>.size))
    shutdown(tcp, Int32(SHUT_RDWR))
  }

  private static func loopback(port: UInt16) -> sockaddr {
    var name = sockaddr()
    name.sa_family = sa_family_t(AF_INET)
    // SAFETY: a sockaddr_in is a sockaddr with the port at byte 2 and the address at byte 4.
    unsafe withUnsafeMutableBytes(of: &name) { bytes in
      unsafe bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
      unsafe bytes.storeBytes(of: UInt32(0x7f00_0001).bigEndian, toByteOffset: 4, as: UInt32.self)
    }
    return name
  }

  private func serveUDP() {
    while true {
      var query = [UInt8](repeating: 0, count: 512)
      var sender = sockaddr()
      var length = socklen_t(MemoryLayout<sockaddr>.size)
      // SAFETY: recvfrom writes at most 512 bytes and one IPv4 address.
      let count = unsafe recvfrom(udp, &query, 512, 0, &sender, &length)
      guard count > 12 else { return }
      guard let reply = reply(to: Array(query.prefix(count)), byTCP: false) else { continue }
      // SAFETY: the bytes and the address are local and of the sizes given.
      _ = unsafe sendto(udp, reply, reply.count, 0, &sender, length)
    }
  }

  private func serveTCP() {
    while true {
      let connection = accept(tcp, nil, nil)
      guard connection >= 0 else { return }
      while let head = Self.receive(2, from: connection),
        let query = Self.receive(Int(head[0]) << 8 | Int(head[1]), from: connection)
      {
        let reply = reply(to: query, byTCP: true) ?? []
        for byte in Self.bytes(UInt16(reply.count)) + reply {
          // SAFETY: send reads the one byte of `byte`.
          var byte = byte
          _ = unsafe send(connection, &byte, 1, Int32(MSG_NOSIGNAL))
        }
      }
      close(connection)
    }
  }

  private static func receive(_ count: Int, from fd: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    // SAFETY: recv writes at most `count` bytes.
    let n = unsafe recv(fd, &bytes, count, Int32(MSG_WAITALL))
    return n == count ? bytes : nil
  }

  // MARK: The messages

  /// One message, by RFC 1035 4.1.
  private func reply(to query: [UInt8], byTCP: Bool) -> [UInt8]? {
    var labels: [String] = []
    var i = 12
    while query[i] != 0 {
      let end = i + 1 + Int(query[i])
      labels.append(String(decoding: query[i + 1..<end], as: UTF8.self))
      i = end
    }
    let kind = query[i + 2]
    let question = query[12..<i + 5]
    let name = labels.joined(separator: ".")
    if kind != 28, !byTCP { asked.withLock { $0.append(name) } }
    var code: UInt8 = 0
    var truncated = false
    var answers: [[UInt8]] = []
    var count: UInt16?
    switch script.withLock({ $0 })(name) {
    case .silence: return nil
    case .noSuchName: code = 3
    case .failure: code = 2
    case .byTCP where !byTCP: truncated = true
    case .addresses(let list, let ttl), .byTCP(let list, let ttl):
      answers = list.compactMap { Self.address($0, ttl: ttl, kind: kind) }
    case .services(let list, let ttl):
      if kind == 33 { answers = list.map { Self.service($0, ttl: ttl) } }
    case .raw(let bytes, let records):
      answers = [bytes]
      count = records
    }
    var reply = Array(query.prefix(2))
    reply += [truncated ? 0x83 : 0x81, 0x80 | code]
    reply += [0, 1] + Self.bytes(count ?? UInt16(answers.count)) + [0, 0, 0, 0]
    reply += question
    reply += answers.joined()
    return reply
  }

  private static func address(_ text: String, ttl: UInt32, kind: UInt8) -> [UInt8]? {
    switch SocketAddress(numeric: text, port: 0) {
    case .v4(let address, _) where kind == 1:
      [0xc0, 12, 0, 1, 0, 1] + bytes(ttl) + [0, 4] + bytes(address)
    case .v6(let high, let low, _, _) where kind == 28:
      [0xc0, 12, 0, 28, 0, 1] + bytes(ttl) + [0, 16] + bytes(high) + bytes(low)
    default: nil
    }
  }

  /// RFC 2782.
  private static func service(_ service: ServiceRecord, ttl: UInt32) -> [UInt8] {
    var data: [UInt8] = bytes(service.priority)
    data += bytes(service.weight)
    data += bytes(service.port)
    for label in service.host.split(separator: ".") {
      data.append(UInt8(label.utf8.count))
      data += label.utf8
    }
    data.append(0)
    var record: [UInt8] = [0xc0, 12, 0, 33, 0, 1]
    record += bytes(ttl)
    record += bytes(UInt16(data.count))
    return record + data
  }

  private static func bytes<N: FixedWidthInteger>(_ number: N) -> [UInt8] {
    stride(from: N.bitWidth - 8, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: number >> N($0))
    }
  }
}
