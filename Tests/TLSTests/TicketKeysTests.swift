// The keys of session tickets: how many there are, and which go first.
import Testing

@testable import TLS

@Suite struct TicketKeysTests {
  func parts(_ keys: TicketKeys) -> [[UInt8]] {
    let all = keys.exported()
    return stride(from: 0, to: all.count, by: TicketKeys.keyBytes).map {
      Array(all[$0..<($0 + TicketKeys.keyBytes)])
    }
  }

  @Test func `a new key goes in front, and three are kept`() throws {
    let keys = try TicketKeys()
    var made = parts(keys)
    #expect(made.count == 1)
    for count in [2, 3, 3, 3] {
      try keys.rotate()
      let now = parts(keys)
      #expect(now.count == count)
      #expect(Array(now.dropFirst()) == Array(made.prefix(2)))
      #expect(!made.contains(now[0]))
      made = now
    }
  }

  @Test func `another process takes all keys over`() throws {
    let (old, new) = (try TicketKeys(), try TicketKeys())
    try old.rotate()
    new.adopt(old.exported())
    #expect(new.exported() == old.exported())
  }

  @Test(arguments: [0, 1, TicketKeys.keyBytes - 1, TicketKeys.keyBytes * 4])
  func `what are no keys changes nothing`(count: Int) throws {
    let keys = try TicketKeys()
    let before = keys.exported()
    keys.adopt([UInt8](repeating: 1, count: count))
    #expect(keys.exported() == before)
  }
}
