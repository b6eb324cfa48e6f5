// Sets of networks: edges of each, errors, and a naive model on random ones.
import Testing

@testable import Routing

@Suite struct CIDRSetTests {
  private func set(_ networks: String...) throws -> CIDRSet {
    var set = CIDRSet()
    for network in networks { try set.insert(network) }
    return set
  }

  private func has(_ set: CIDRSet, _ address: String) throws -> Bool {
    set.contains(try #require(InternetAddress(address)))
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.0.0.0", true), ("10.0.0.0/8", "10.255.255.255", true),
    ("10.0.0.0/8", "9.255.255.255", false), ("10.0.0.0/8", "11.0.0.0", false),
    ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("10.0.0.0/8", "::10.1.2.3", false),
    ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
    ("192.0.2.1/32", "192.0.2.1", true), ("192.0.2.1/32", "192.0.2.0", false),
    ("0.0.0.0/0", "255.255.255.255", true), ("0.0.0.0/0", "0.0.0.0", true),
    ("0.0.0.0/0", "::1", false), ("::/0", "1.2.3.4", false), ("::/0", "::1", true),
    ("::/0", "ffff::", true), ("::/0", "::ffff:1.2.3.4", false), ("::/80", "1.2.3.4", false),
    ("::/80", "::1:0:0", true), ("::/80", "::1", true),
    ("::1", "::1", true), ("::1", "::2", false), ("fd00::/8", "fdff::1", true),
    ("fd00::/8", "fe00::", false), ("2001:db8::/127", "2001:db8::1", true),
    ("2001:db8::/127", "2001:db8::2", false), ("::ffff:10.0.0.0/104", "10.1.1.1", true),
    ("::ffff:0:0/96", "1.2.3.4", true),
  ])
  func `a network ends where its prefix says`(network: String, address: String, isIn: Bool) throws {
    #expect(try has(set(network), address) == isIn)
  }

  @Test(arguments: [
    ("", CIDRError.notAnAddress), ("10.0.0/8", .notAnAddress), ("/8", .notAnAddress),
    ("example.com", .notAnAddress), ("[::1]", .notAnAddress),
    ("10.0.0.0/33", .prefixLength(longest: 32)), ("10.0.0.0/", .prefixLength(longest: 32)),
    ("10.0.0.0/-1", .prefixLength(longest: 32)), ("10.0.0.0/+8", .prefixLength(longest: 32)),
    ("10.0.0.0/8/8", .prefixLength(longest: 32)), ("::/129", .prefixLength(longest: 128)),
    ("10.0.0.1/8", .bitsBeyondPrefix(network: "10.0.0.0/8")),
    ("10.0.0.1/0", .bitsBeyondPrefix(network: "0.0.0.0/0")),
    ("2001:db8::1/64", .bitsBeyondPrefix(network: "2001:db8::/64")),
  ])
  func `what is no network is refused`(network: String, error: CIDRError) {
    #expect(throws: error) { try set(network) }
  }

  @Test func `the order and overlaps make no difference`() throws {
    let one = try set("10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "::1", "192.0.2.1")
    let other = try set("192.0.2.1", "::1", "11.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9")
    #expect(one == other)
    #expect(try set("::/0", "0.0.0.0/0") == set("::/1", "8000::/1", "0.0.0.0/1", "128.0.0.0/1"))
  }

  @Test func `an empty set has nobody`() throws {
    #expect(CIDRSet().isEmpty)
    #expect(try !has(CIDRSet(), "0.0.0.0"))
  }

  @Test(arguments: 0..<20)
  func `random sets answer as a naive one`(seed: Int) throws {
    var random = Seeded(UInt64(seed))
    var set = CIDRSet()
    var networks: [(UInt32, Int)] = []
    for _ in 0..<Int.random(in: 1...60, using: &random) {
      // A small part of the addresses, so that networks meet.
      let length = Int.random(in: 20...32, using: &random)
      let address = UInt32.random(in: 0x0a00_0000...0x0a00_ffff, using: &random)
      let network = length == 32 ? address : (address >> (32 - length)) << (32 - length)
      networks.append((network, length))
      try set.insert("\(InternetAddress(v4: network))/\(length)")
    }
    for _ in 0..<500 {
      let address = UInt32.random(in: 0x09ff_fff0...0x0a01_000f, using: &random)
      let expected = networks.contains { ($0.0 ^ address) >> (32 - $0.1) == 0 }
      #expect(set.contains(InternetAddress(v4: address)) == expected)
    }
  }
}
