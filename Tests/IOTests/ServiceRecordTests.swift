// SRV records as the resolver reads them.
import IO
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ServiceRecordTests {
  private func services(
    _ reply: DNSServer.Reply
  ) async throws -> Result<Resolver.Answer<ServiceRecord>, ResolveError> {
    try await DNSServer.answering({ _ in reply }) { server in
      let servers = server.address
      return try await onLoop { worker in
        let resolver = Resolver(on: worker.reactor, servers: servers)
        do throws(ResolveError) {
          return .success(
            try await resolver.currentServices(of: "_http._tcp.test", until: worker.patience))
        } catch {
          return .failure(error)
        }
      }
    }
  }

  @Test func `a service has hosts, ports, priorities and weights`() async throws {
    let records = [
      ServiceRecord(host: "a.test", port: 8001, priority: 10, weight: 60),
      ServiceRecord(host: "b.test", port: 65_535, priority: 20, weight: 0),
    ]
    let answer = try await services(.services(records, ttl: 60)).get()
    #expect(answer.elements == records)
    #expect((59_000...60_000).contains(answer.lifetime))
  }

  @Test(arguments: [(UInt32(1), Int64(5000)), (86_400, 300_000), (0x8000_0000, 5000)])
  func `the time to live counts from 5 to 300 seconds`(ttl: UInt32, lifetime: Int64) async throws {
    let records = [ServiceRecord(host: "a.test", port: 80)]
    let answer = try await services(.services(records, ttl: ttl)).get()
    #expect((lifetime - 1000...lifetime).contains(answer.lifetime))
  }

  @Test func `the root as a target says that there is no such service`() async throws {
    let found = try await services(.services([ServiceRecord(host: "", port: 80)], ttl: 60))
    #expect(throws: ResolveError.notFound) { try found.get() }
  }

  @Test func `a name without services is not found`() async throws {
    let empty = try await services(.services([], ttl: 60))
    #expect(throws: ResolveError.notFound) { try empty.get() }
    let missing = try await services(.noSuchName)
    #expect(throws: ResolveError.notFound) { try missing.get() }
  }

  /// A record of type SRV for the name asked, with this data.
  private func record(_ data: [UInt8], length: Int? = nil) -> [UInt8] {
    let length = length ?? data.count
    let count = [UInt8(length >> 8), UInt8(length & 255)]
    return [0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60] + count + data
  }

  @Test func `a target may be a pointer to a name before it`() async throws {
    let reply = DNSServer.Reply.raw(record([0, 1, 0, 2, 0, 80, 1, 0x61, 0xc0, 12]), count: 1)
    let answer = try await services(reply).get()
    #expect(
      answer.elements
        == [ServiceRecord(host: "a._http._tcp.test", port: 80, priority: 1, weight: 2)])
  }

  @Test func `an alias on the way is followed, and its time to live counts`() async throws {
    let alias: [UInt8] = [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 20, 0, 4, 1, 0x62, 0xc0, 12]
    let reply = DNSServer.Reply.raw(alias + record([0, 0, 0, 0, 0, 80, 1, 0x61, 0]), count: 2)
    let answer = try await services(reply).get()
    #expect(answer.elements == [ServiceRecord(host: "a", port: 80)])
    #expect((19_000...20_000).contains(answer.lifetime))
  }

  /// A name of so many labels of 62 bytes.
  private static func labels(_ count: Int) -> [UInt8] {
    (0..<count).flatMap { _ in [62] + [UInt8](repeating: 0x61, count: 62) } + [0]
  }

  @Test(
    arguments: [
      ("data that is too short", [0, 0, 0, 0, 0, 80], nil), ("no data", [], nil),
      ("a pointer to itself", [0, 0, 0, 0, 0, 80, 0xc0, 51], nil),
      ("a pointer ahead", [0, 0, 0, 0, 0, 80, 0xff, 0xff], nil),
      ("half a pointer", [0, 0, 0, 0, 0, 80, 0xc0], nil),
      ("a label of an unknown kind", [0, 0, 0, 0, 0, 80, 0x80, 1, 0], nil),
      ("a label without its end", [0, 0, 0, 0, 0, 80, 63, 1], nil),
      ("a dot in a label", [0, 0, 0, 0, 0, 80, 1, 0x2e, 0], nil),
      ("a NUL in a label", [0, 0, 0, 0, 0, 80, 1, 0, 0], nil),
      ("bytes behind the name", [0, 0, 0, 0, 0, 80, 1, 0x61, 0, 0], nil),
      ("a length beyond the message", [0, 0, 0, 0, 0, 80, 1, 0x61, 0], 200),
      ("a name that is too long", [0, 0, 0, 0, 0, 80] + Self.labels(5), nil),
    ] as [(String, [UInt8], Int?)])
  func `a malformed answer is a failure of the server`(
    what: String, data: [UInt8], length: Int?
  ) async throws {
    let found = try await services(.raw(record(data, length: length), count: 1))
    #expect(throws: ResolveError.serverFailed) { try found.get() }
  }

  @Test func `an answer that promises more records than it has is a failure`() async throws {
    let found = try await services(.raw(record([0, 0, 0, 0, 0, 80, 1, 0x61, 0]), count: 2))
    #expect(throws: ResolveError.serverFailed) { try found.get() }
  }

  @Test(arguments: [33, 256, 257]) func `of one name's addresses 256 are followed`(count: Int)
    async throws
  {
    // By TCP, since so many do not fit in a datagram.
    let list = (0..<min(count, 250)).map { "10.0.0.\($0)" }
    let rest = (0..<max(0, count - 250)).map { "10.0.1.\($0)" }
    try await DNSServer.answering({ _ in .byTCP(list + rest, ttl: 60) }) { server in
      let servers = server.address
      let found = try await onLoop { worker in
        // c-ares has no second attempt by TCP, and the server sends a byte at a time.
        var limits = Resolver.Limits()
        limits.attemptTime = 20_000
        let resolver = Resolver(on: worker.reactor, servers: servers, limits: limits)
        return try await resolver.currentAddresses(of: "a.test", until: worker.patience)
      }
      #expect(found.elements.count == min(256, count))
    }
  }
}
