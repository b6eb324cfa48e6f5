// Who the client is when proxies stand between, and when somebody lies.
import Testing

@testable import Routing

@Suite struct ClientAddressTests {
  private let trusted: CIDRSet

  init() throws {
    var trusted = CIDRSet()
    for network in ["10.0.0.0/8", "fd00::/8"] { try trusted.insert(network) }
    self.trusted = trusted
  }

  /// - Parameter lines: in the order they stand in the head.
  private func client(_ peer: String, _ lines: String...) throws -> ClientAddress {
    let peer = try #require(InternetAddress(peer))
    var client = ClientAddress(peer: peer, trusted: trusted)
    for line in lines.reversed() where !client.isSettled {
      line.withSpan { client.read($0, trusted) }
    }
    return client
  }

  @Test(arguments: [
    ("", "10.0.0.1"),
    ("192.0.2.1", "192.0.2.1"),
    ("6.6.6.6, 192.0.2.1", "192.0.2.1"),
    ("6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
    ("192.0.2.1,10.0.0.3 ,\t10.0.0.2", "192.0.2.1"),
    ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ("192.0.2.1:4711", "192.0.2.1"),
    ("2001:db8::1", "2001:db8::1"),
    ("[2001:db8::1]", "2001:db8::1"),
    ("[2001:db8::1]:4711, [fd00::1]:1", "2001:db8::1"),
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("192.0.2.1, , 10.0.0.2,,", "192.0.2.1"),
    ("6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
    ("6.6.6.6, _hidden", "10.0.0.1"),
    ("6.6.6.6, 192.0.2.1:99999x", "10.0.0.1"),
    ("6.6.6.6, 192.0.2.1:", "10.0.0.1"),
    ("6.6.6.6, 192.0.2.01", "10.0.0.1"),
    ("6.6.6.6, [::1", "10.0.0.1"),
    ("6.6.6.6, [192.0.2.1]", "10.0.0.1"),
    ("6.6.6.6, [::1]x", "10.0.0.1"),
    ("6.6.6.6, fe80::1%eth0", "10.0.0.1"),
    ("6.6.6.6 192.0.2.1", "10.0.0.1"),
    ("6.6.6.6, []", "10.0.0.1"),
    ("6.6.6.6, [", "10.0.0.1"),
    ("6.6.6.6, :", "10.0.0.1"),
    ("6.6.6.6, \"192.0.2.1\"", "10.0.0.1"),
  ])
  func `from a trusted peer the list is read from right to left`(
    line: String, address: String
  ) throws {
    let client = try client("10.0.0.1", line)
    #expect(client.address.description == address)
    #expect(client.isPeerTrusted)
  }

  @Test func `from any other peer nothing is believed`() throws {
    let client = try client("192.0.2.9", "127.0.0.1, 10.0.0.1")
    #expect(client.address.description == "192.0.2.9")
    #expect(!client.isPeerTrusted)
    #expect(client.isSettled)
  }

  @Test func `reading on after it is settled changes nothing`() throws {
    var client = try client("192.0.2.9")
    "10.0.0.1".withSpan { client.read($0, trusted) }
    #expect(client.address.description == "192.0.2.9")
  }

  @Test func `several lines are one list`() throws {
    let client = try client("10.0.0.1", "6.6.6.6", "192.0.2.1", "10.0.0.3, 10.0.0.2")
    #expect(client.address.description == "192.0.2.1")
    #expect(try self.client("10.0.0.1", "192.0.2.1", "", ",").address.description == "192.0.2.1")
  }

  @Test func `32 entries are read and no more`() throws {
    func list(_ proxies: Int) -> String {
      "192.0.2.1" + String(repeating: ", 10.0.0.2", count: proxies)
    }
    #expect(try client("10.0.0.1", list(31)).address.description == "192.0.2.1")
    #expect(try client("10.0.0.1", list(32)).address.description == "10.0.0.2")
    let commas = String(repeating: ",", count: 31)
    #expect(try client("10.0.0.1", "192.0.2.1" + commas).address.description == "192.0.2.1")
    #expect(try client("10.0.0.1", "192.0.2.1," + commas).address.description == "10.0.0.1")
  }

  @Test func `an entry of any length is read safely`() throws {
    let blanks = String(repeating: " ", count: 100)
    #expect(try client("10.0.0.1", "192.0.2.1" + blanks).address.description == "192.0.2.1")
    let many = String(repeating: " ", count: 10_000)
    #expect(try client("10.0.0.1", "192.0.2.1" + many).address.description == "10.0.0.1")
    let digits = String(repeating: "1", count: 10_000)
    #expect(try client("10.0.0.1", "6.6.6.6," + digits).address.description == "10.0.0.1")
    let longest = "[1111:1111:1111:1111:1111:1111:111.111.111.111]:65535"
    #expect(longest.utf8.count == ClientAddress.longestEntry)
    #expect(try client("10.0.0.1", longest).address.isIPv4 == false)
    #expect(try client("10.0.0.1", longest + "0").address.description == "10.0.0.1")
  }

  @Test func `random bytes never trap and never reach past an entry that is not trusted`() throws {
    var random = Seeded(3)
    let pieces = [
      "10.0.0.2", "fd00::1", "[fd00::2]:1", ",", ", ", " ", ":", "[", "]", "x", "%", "1",
    ]
    for _ in 0..<5000 {
      let noise = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        pieces.randomElement(using: &random)!
      }
      let found = try client("10.0.0.1", noise.joined() + ", 192.0.2.1, 10.0.0.9")
      #expect(found.address.description == "192.0.2.1")
      let other = try client("10.0.0.1", "6.6.6.6, 192.0.2.1, " + noise.joined())
      #expect(other.address.description != "6.6.6.6")
    }
  }
}
