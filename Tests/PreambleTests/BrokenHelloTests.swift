// What is no ClientHello, or a broken one: each with its alert, none with a trap.
import Testing

@testable import Preamble

struct `Broken hellos` {
  @Test(arguments: ["GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "\r\nGET /", "get"])
  func `a plain request is told apart`(_ text: String) {
    #expect(read(Array(text.utf8)) == .notTLS(isHTTP: true))
  }

  @Test(arguments: [[0], [0x80, 0x2e, 1], [21, 3, 3], [23], [22, 2]] as [[UInt8]])
  func `other protocols are not TLS`(_ bytes: [UInt8]) {
    #expect(read(bytes) == .notTLS(isHTTP: false))
  }

  @Test func `an empty record, or a large one, is refused`() {
    #expect(read([22, 3, 1, 0, 0]) == .refused(.malformed))
    #expect(read([22, 3, 1, 0x40, 0]) == .needMore)
    #expect(read([22, 3, 1, 0x40, 1]) == .refused(.recordTooLarge))
  }

  @Test func `another message, or another record in the middle, is unexpected`() {
    #expect(read([22, 3, 1, 0, 4, 2]) == .refused(.unexpectedMessage))
    let start = Array(Hello.named("a.example").records(of: 20)[..<25])
    #expect(read(start + [23]) == .refused(.unexpectedMessage))
    #expect(read(start + [22, 4]) == .refused(.malformed))
  }

  @Test func `a client without extensions is complete`() {
    var hello = Hello()
    hello.extensions = nil
    guard case .complete(let found) = read(hello.records()) else {
      Issue.record("not complete")
      return
    }
    #expect(found.serverName == nil && !found.offersTLS13 && found.sessionIDCount == 32)
  }

  @Test func `fields out of range are malformed`() {
    var long = Hello()
    long.session.append(7)
    #expect(read(long.records()) == .refused(.malformed))
    var odd = Hello()
    odd.suites.append(1)
    #expect(read(odd.records()) == .refused(.malformed))
    var none = Hello()
    none.suites = []
    #expect(read(none.records()) == .refused(.malformed))
    var uncompressed = Hello()
    uncompressed.compression = []
    #expect(read(uncompressed.records()) == .refused(.malformed))
  }

  @Test(
    arguments: [
      (0, []), (0, [0, 0]), (0, [0, 5, 0, 0, 3, 97]), (0, [0, 4, 0, 0, 1, 97, 0]), (16, [0, 0]),
      (16, [0, 1, 0]), (16, [0, 3, 2, 104]), (43, [0]), (43, [3, 3, 4, 3]), (13, [0, 0]),
    ] as [(Int, [UInt8])])
  func `a malformed extension is refused`(_ type: Int, _ data: [UInt8]) {
    var hello = Hello()
    hello.add(type, data)
    #expect(read(hello.records()) == .refused(.malformed))
  }

  @Test(arguments: [0, 10, 13, 16, 43])
  func `an extension that is there twice is illegal`(_ type: Int) {
    var hello = Hello()
    let data: [UInt8] =
      switch type {
      case 0: [0, 4, 0, 0, 1, 97]
      case 16: [0, 2, 1, 97]
      case 43: [2, 3, 4]
      default: [0, 2, 4, 3]
      }
    hello.add(type, data)
    hello.add(type, data)
    #expect(read(hello.records()) == .refused(.illegal))
  }

  @Test func `two names are illegal, names of other types are passed over`() {
    var two = Hello()
    two.add(0, [0, 8, 0, 0, 1, 97, 0, 0, 1, 98])
    #expect(read(two.records()) == .refused(.illegal))
    var other = Hello()
    other.add(0, [0, 8, 9, 0, 1, 97, 0, 0, 1, 98])
    guard case .complete(let hello) = read(other.records()) else {
      Issue.record("not complete")
      return
    }
    #expect(hello.serverName == "b")
  }

  @Test func `every message that is cut short within its length is malformed`() {
    let message = Hello.named("a.example").message
    // 4: header, 34: version and random, 33: session, 6: suites, 2: compression. Exactly there it is
    // a message without extensions.
    for end in 4..<message.count where end != 4 + 34 + 33 + 6 + 2 {
      let body = Array(message[4..<end])
      let short = [1] + Hello.vector(3, body)
      #expect(read([22, 3, 1] + Hello.vector(2, short)) == .refused(.malformed), "\(end)")
    }
  }

  @Test func `alerts are as RFC 8446 numbers them`() {
    #expect(written { TLSAlert.unrecognizedName.append(to: &$0) } == [21, 3, 3, 0, 2, 2, 112])
    #expect(PreambleError.malformed.alert.rawValue == 50)
    #expect(PreambleError.illegal.alert.rawValue == 47)
    #expect(PreambleError.unexpectedMessage.alert.rawValue == 10)
    #expect(PreambleError.recordTooLarge.alert.rawValue == 22)
  }
}
