// How much a relay moves in one turn once its sink has shown how fast it is.
import IO
import Testing

@testable import Proxy

@Suite struct SinkPaceTests {
  private func at(_ milliseconds: Int64) -> Moment { Moment(milliseconds: milliseconds) }

  @Test func `a sink that was never full is not limited`() {
    let pace = SinkPace()
    #expect(pace.perTurn(after: 100_000_000, at: at(1000)) == .max)
  }

  @Test func `a sink that has just been full for the first time is given little`() {
    var pace = SinkPace()
    pace.noteFull(after: 400_000, at: at(1000))
    #expect(pace.perTurn(after: 400_000, at: at(1000)) == SinkPace.least)
    #expect(pace.perTurn(after: 400_000, at: at(4000)) == SinkPace.least)
  }

  @Test func `a slow sink is given little however much room it has at once`() {
    var pace = SinkPace()
    pace.noteFull(after: 400_000, at: at(1000))
    // A third of its buffer, as it drains at 64 KiB/s.
    for taken in stride(from: UInt64(400_000), to: 600_000, by: SinkPace.least) {
      #expect(pace.perTurn(after: taken, at: at(4000)) < 20_000)
    }
    pace.noteFull(after: 600_000, at: at(4000))
    #expect(pace.perTurn(after: 600_000, at: at(7000)) == 16666)
  }

  @Test func `a sink is given what it takes in a quarter of a second`() {
    var pace = SinkPace()
    pace.noteFull(after: 0, at: at(0))
    pace.noteFull(after: 1_000_000, at: at(1000))
    #expect(pace.perTurn(after: 1_000_000, at: at(1500)) == 250_000)
  }

  @Test func `a sink that has become faster is given more before it is full again`() {
    var pace = SinkPace()
    pace.noteFull(after: 0, at: at(0))
    pace.noteFull(after: 1000, at: at(1000))
    #expect(pace.perTurn(after: 1_001_000, at: at(1010)) == 25_000_000)
  }

  @Test func `a fast sink is not limited after its first little bit`() {
    var pace = SinkPace()
    pace.noteFull(after: 0, at: at(1000))
    #expect(pace.perTurn(after: UInt64(SinkPace.least), at: at(1000)) >= 1_000_000)
  }

  @Test func `a wake-up that let nothing in says nothing of the sink`() {
    var pace = SinkPace()
    pace.noteFull(after: 0, at: at(0))
    pace.noteFull(after: 1_000_000, at: at(1000))
    pace.noteFull(after: 1_000_000, at: at(1001))
    #expect(pace.perTurn(after: 1_000_000, at: at(1001)) == 250_000)
  }

  @Test func `any count of bytes can be noted`() {
    var pace = SinkPace()
    pace.noteFull(after: 0, at: at(0))
    #expect(pace.perTurn(after: .max, at: at(0)) == .max)
    pace.noteFull(after: .max, at: at(0))
    #expect(pace.perTurn(after: .max, at: at(Int64.max)) == .max)
  }
}
