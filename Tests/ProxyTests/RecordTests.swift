// Small values: what is kept of an idle connection, names for requests, the time of day.
import Bytes
import Glibc
import IO
import Testing

@testable import Proxy

@Suite struct RecordTests {
  @Test(arguments: [UInt8(0), 1, 255], [UInt32(0), 1, 0xff_fffe, 0xff_ffff])
  func `a record survives its packing at every limit`(_ listener: UInt8, _ requests: UInt32) {
    for acceptedAt in [UInt32(0), 1, .max - 1, .max] {
      let record = ConnectionRecord(
        listener: listener, requests: requests, acceptedAt: acceptedAt)
      let again = ConnectionRecord(note: record.note)
      #expect(again.listener == listener)
      #expect(again.requests == requests)
      #expect(again.acceptedAt == acceptedAt)
    }
  }

  @Test func `more requests than fit are counted as the most that do`() {
    let record = ConnectionRecord(listener: 7, requests: 0x100_0000, acceptedAt: 9)
    #expect(record.requests == 0xff_ffff)
    let again = ConnectionRecord(note: record.note)
    #expect(again.listener == 7 && again.requests == 0xff_ffff && again.acceptedAt == 9)
  }

  @Test func `a request counted beyond the limit does not spill into other parts`() {
    var record = ConnectionRecord(listener: 7, requests: 0xff_ffff, acceptedAt: 9)
    record.requests += 1
    let again = ConnectionRecord(note: record.note)
    #expect(again.listener == 7)
    #expect(again.acceptedAt == 9)
  }

  private func text(_ identifier: RequestIdentifier) -> String {
    var buffer = BufferPool().borrow(.small)
    identifier.append(to: &buffer)
    return ProxyTests.text(of: buffer)
  }

  @Test func `identifiers are 32 digits and do not repeat`() {
    var first = RequestIdentifiers()
    var second = RequestIdentifiers()
    var seen: Set<String> = []
    for _ in 0..<5000 {
      seen.insert(text(first.next()))
      seen.insert(text(second.next()))
    }
    #expect(seen.count == 10_000)
    #expect(seen.allSatisfy { $0.utf8.count == 32 })
    #expect(seen.allSatisfy { $0.allSatisfy { "0123456789abcdef".contains($0) } })
  }

  @Test func `every bit of an identifier shows in its text`() {
    var seen: Set<String> = [text(RequestIdentifier())]
    for bit in 0..<64 {
      seen.insert(text(RequestIdentifier(high: 1 << UInt64(bit), low: 0)))
      seen.insert(text(RequestIdentifier(high: 0, low: 1 << UInt64(bit))))
    }
    #expect(seen.count == 129)
  }

  @Test func `the time of day is the system's`() {
    var clock = WallClock()
    let before = Int64(time(nil)) - 1
    let seconds = clock.unixSeconds(at: Moment(milliseconds: 0))
    #expect(before...Int64(time(nil)) + 1 ~= seconds)
    #expect(clock.unixSeconds(at: Moment(milliseconds: 0)) == seconds)
    #expect(clock.unixSeconds(at: Moment(milliseconds: 1)) >= seconds)
  }
}
