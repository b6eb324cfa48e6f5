// The timer wheel as a value: no clock, no descriptor.
import Testing

@testable import IO

@Suite struct TimerWheelTests {
  private let buckets = Int64(TimerWheel.buckets)

  private func moment(tick: Int64) -> Moment { Moment(milliseconds: tick * TimerWheel.tick) }

  @Test func `a deadline's tick is later than the deadline, by one tick at most`() {
    for milliseconds: Int64 in [0, 1, 49, 50, 51, 99, 100, 51_199, 51_200] {
      let due = TimerWheel.tick(for: Moment(milliseconds: milliseconds)) * TimerWheel.tick
      #expect(due > milliseconds)
      #expect(due <= milliseconds + TimerWheel.tick)
    }
  }

  @Test func `a deadline that never comes is never filed`() {
    #expect(TimerWheel.tick(for: .never) == TimerWheel.unfiled)
  }

  @Test func `a deadline behind the position is filed at the next tick`() {
    let wheel = TimerWheel(at: moment(tick: 100))
    #expect(wheel.filing(for: moment(tick: 0)) == 101)
    #expect(wheel.filing(for: moment(tick: 99)) == 101)
    #expect(wheel.filing(for: moment(tick: 100)) == 101)
    #expect(wheel.filing(for: moment(tick: 101)) == 102)
  }

  @Test func `a deadline a lap ahead is filed at the last tick of the lap`() {
    let wheel = TimerWheel(at: moment(tick: 100))
    let last = 100 + buckets - 1
    #expect(wheel.filing(for: moment(tick: last - 2)) == last - 1)
    #expect(wheel.filing(for: moment(tick: last - 1)) == last)
    #expect(wheel.filing(for: moment(tick: last)) == last)
    #expect(wheel.filing(for: moment(tick: last + 10 * buckets)) == last)
  }

  @Test func `every tick of a lap is found, wherever the lap begins`() {
    for start: Int64 in [0, 1, 63, 64, 1000, 1023, 1024, 1_000_037] {
      for offset in 1..<buckets {
        var wheel = TimerWheel(at: moment(tick: start))
        wheel.setHead(of: start + offset, to: 7)
        #expect(wheel.wait(from: moment(tick: start)) == offset * TimerWheel.tick)
        #expect(wheel.advance(to: moment(tick: start + offset - 1)) == nil)
        #expect(wheel.advance(to: moment(tick: start + offset)) == start + offset)
        #expect(wheel.head(of: start + offset) == 7)
      }
    }
  }

  @Test func `ticks come in their order, each once, and those not due stay`() {
    var wheel = TimerWheel(at: moment(tick: 1000))
    let filed: [Int64] = [1001, 1024, 1063, 1064, 1100, 2023]
    for tick in filed { wheel.setHead(of: tick, to: Int32(tick)) }
    var due: [Int64] = []
    while let tick = wheel.advance(to: moment(tick: 1100)) {
      due.append(tick)
      #expect(wheel.head(of: tick) == Int32(tick))
      wheel.setHead(of: tick, to: -1)
    }
    #expect(due == [1001, 1024, 1063, 1064, 1100])
    #expect(wheel.position == 1100)
    #expect(wheel.wait(from: moment(tick: 1100)) == 923 * TimerWheel.tick)
  }

  @Test func `after more than a lap without a look everything filed is due`() {
    var wheel = TimerWheel(at: moment(tick: 0))
    wheel.setHead(of: 5, to: 1)
    wheel.setHead(of: buckets - 1, to: 2)
    let late = moment(tick: 10 * buckets)
    #expect(wheel.wait(from: late) == 0)
    #expect(wheel.advance(to: late) == 5)
    wheel.setHead(of: 5, to: -1)
    #expect(wheel.advance(to: late) == buckets - 1)
    wheel.setHead(of: buckets - 1, to: -1)
    #expect(wheel.advance(to: late) == nil)
    #expect(wheel.position == 10 * buckets)
  }

  @Test func `an empty wheel lets the loop sleep for ever`() {
    var wheel = TimerWheel(at: moment(tick: 3))
    #expect(wheel.wait(from: moment(tick: 3)) == nil)
    wheel.setHead(of: 4, to: 1)
    wheel.setHead(of: 4, to: -1)
    #expect(wheel.wait(from: moment(tick: 3)) == nil)
    #expect(wheel.advance(to: moment(tick: 3)) == nil)
  }
}

@Suite struct SlotTableTests {
  @Test func `a slot is one line of the processor's cache`() {
    #expect(MemoryLayout<Slot>.stride == 64)
  }

  @Test func `growing keeps what is there, and makes empty slots`() {
    var slots = SlotTable()
    slots[1023].note = 42
    slots.reserve(5000)
    #expect(slots[1023].note == 42)
    #expect(slots[5000].waiter == -1)
    slots[5000].note = 43
    slots.reserve(0)
    #expect(slots[5000].note == 43)
  }

  @Test(arguments: [-1, 1024]) func `a slot outside the table stops the program`(fd: Int32) async {
    await #expect(processExitsWith: .failure) { [fd] in
      var slots = SlotTable()
      slots[fd].note = 1
    }
  }
}
