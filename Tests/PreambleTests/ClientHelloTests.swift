// The ClientHello: real ones, cut in every way, and what it says.
import Testing

@testable import Preamble

struct `Client hellos` {
  private func hello(_ outcome: ClientHelloReader.Outcome) -> ClientHello? {
    if case .complete(let hello) = outcome { hello } else { nil }
  }

  @Test(arguments: ["curl", "curl-tls12", "openssl", "openssl-alpn", "python", "chromium"])
  func `a real client's is read, however it is cut`(_ client: String) throws {
    let bytes = corpus("client-hello/real-\(client)")
    let whole = try #require(hello(read(bytes)))
    #expect(whole.serverName == "hello.example.org")
    #expect(whole.byteCount == bytes.count)
    #expect(whole.offersECDSA)
    #expect(read(bytes, cuts: 0...bytes.count) == .complete(whole))
    for cut in 0..<bytes.count { #expect(read(bytes, cuts: [cut]) == .needMore) }
  }

  @Test func `what real clients offer is told`() throws {
    let chromium = try #require(hello(read(corpus("client-hello/real-chromium"))))
    #expect(chromium.offers("h2") && chromium.offers("http/1.1") && !chromium.offers("h3"))
    #expect(chromium.offersTLS13)
    let old = try #require(hello(read(corpus("client-hello/real-curl-tls12"))))
    #expect(!old.offersTLS13)
    let rsa = try #require(hello(read(corpus("client-hello/real-openssl-tls12-rsa"))))
    #expect(!rsa.offersECDSA)
    #expect(rsa.protocols.isEmpty && !rsa.offers("h2"))
    let nameless = try #require(hello(read(corpus("client-hello/nameless-openssl"))))
    #expect(nameless.serverName == nil)
  }

  @Test(arguments: [1, 2, 3, 4, 5, 17, 100])
  func `a message may be cut into records`(_ size: Int) throws {
    let hello = Hello.named("a.example")
    let bytes = hello.records(of: size)
    var expected = try #require(self.hello(read(hello.records())))
    expected.byteCount = bytes.count
    #expect(read(bytes) == .complete(expected))
    #expect(read(bytes, cuts: 0...bytes.count) == .complete(expected))
  }

  @Test func `what follows the message is left alone`() throws {
    let bytes = Hello.named("a.example").records()
    let found = try #require(hello(read(bytes + [20, 3, 3, 0, 1, 1, 0xff])))
    #expect(found.byteCount == bytes.count)
  }

  @Test func `a message of 16 KiB and more is read`() throws {
    var large = Hello.named("large.example")
    large.add(51, [UInt8](repeating: 5, count: 40_000))
    let found = try #require(hello(read(large.records())))
    #expect(found.serverName == "large.example")
    #expect(read(large.records(of: 1000), cuts: 0...43_000) != .needMore)
  }

  @Test func `64 KiB are the most, headers included`() {
    let room = ClientHelloReader.limit
    var hello = Hello.named("a.example")
    let others = hello.records().count
    // Four records, and an extension's header.
    hello.add(21, [UInt8](repeating: 0, count: room - others - 4 - 15))
    #expect(hello.records().count == room)
    #expect(self.hello(read(hello.records()))?.byteCount == room)
    hello = Hello.named("a.example")
    hello.add(21, [UInt8](repeating: 0, count: room - others - 4 - 14))
    let bytes = hello.records()
    #expect(bytes.count == room + 1)
    #expect(read(bytes, cuts: 0...room) == .refused(.tooLarge))
  }

  @Test func `a length over the limit is refused before the bytes have come`() {
    #expect(read([22, 3, 1, 0x40, 0, 1, 1, 0, 0]) == .refused(.tooLarge))
  }

  @Test func `names are given in small letters without a final dot`() throws {
    let found = try #require(hello(read(Hello.named("WWW.Example.ORG.").records())))
    #expect(found.serverName == "www.example.org")
  }

  @Test(arguments: ["", "a b", "a\0b", "ä.example", "a/b", "::1"])
  func `what is no name is refused`(_ name: String) {
    #expect(read(Hello.named(name).records()) == .refused(.illegal))
  }

  @Test func `a name has 253 bytes at most`() {
    let longest = String(repeating: "a", count: 253)
    #expect(hello(read(Hello.named(longest).records()))?.serverName == longest)
    #expect(read(Hello.named(longest + "a").records()) == .refused(.illegal))
  }
}
