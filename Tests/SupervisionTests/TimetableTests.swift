// When things are done, and how many of them at once.
import IO
import TestSupport
import Testing

@testable import Supervision

/// Writes down what it is asked to do; may be told to take its time.
private final class Clerk: TimetableOwner {
  var done: [Int] = []
  var pause: (Int) -> Int64? = { _ in nil }
  var most = 0
  var timetable: Timetable?
  /// Milliseconds that a thing takes.
  var effort: Int64 = 0
  private let reactor: Reactor

  init(_ worker: isolated LoopActor) { reactor = worker.reactor }

  func perform(_ number: Int) async -> Int64? {
    most = max(most, timetable?.running ?? 0)
    if effort > 0, let alarm = try? Alarm(on: reactor) {
      await alarm.sleep(until: reactor.now.advanced(by: effort))
    }
    done.append(number)
    return pause(number)
  }
}

@Suite(.timeLimit(.minutes(1))) struct TimetableTests {
  private static func timetable(
    for clerk: Clerk, on worker: isolated LoopActor, atOnce: Int = 8
  ) throws -> Timetable {
    let timetable = try Timetable(on: worker.reactor, loop: worker.loop, atOnce: atOnce)
    timetable.serve(clerk)
    clerk.timetable = timetable
    return timetable
  }

  @Test func `things are done in the order of their times`() async throws {
    try await onLoop { worker in
      let clerk = Clerk(worker)
      let timetable = try Self.timetable(for: clerk, on: worker)
      for number in [5, 1, 4, 2, 3] { timetable.add(number, in: Int64(number) * 100) }
      #expect(clerk.done.isEmpty)
      #expect(try await worker.wait { clerk.done.count == 5 })
      #expect(clerk.done == [1, 2, 3, 4, 5])
      #expect(timetable.count == 0)
    }
  }

  @Test func `what is added later may be due earlier`() async throws {
    try await onLoop { worker in
      let clerk = Clerk(worker)
      let timetable = try Self.timetable(for: clerk, on: worker)
      timetable.add(1, in: 3_600_000)
      await worker.reactor.yield()
      timetable.add(2, in: 1)
      #expect(try await worker.wait { clerk.done == [2] })
      timetable.keep { _ in false }
    }
  }

  @Test func `a thing is done again after the pause it asks for`() async throws {
    try await onLoop { worker in
      let clerk = Clerk(worker)
      let timetable = try Self.timetable(for: clerk, on: worker)
      clerk.pause = { _ in clerk.done.count < 3 ? 1 : nil }
      timetable.add(7, in: 0)
      #expect(try await worker.wait { clerk.done.count == 3 })
      #expect(timetable.count == 0)
    }
  }

  @Test(arguments: [2, 3]) func `no more things are done at once than may be`(count: Int)
    async throws
  {
    try await onLoop { worker in
      let clerk = Clerk(worker)
      clerk.effort = 100
      let timetable = try Self.timetable(for: clerk, on: worker, atOnce: 2)
      for number in 0..<count { timetable.add(number, in: 0) }
      #expect(try await worker.wait { timetable.running == 2 })
      #expect(timetable.count == count - 2)
      #expect(try await worker.wait { clerk.done.count == count })
      #expect(clerk.most == 2)
      #expect(timetable.running == 0)
    }
  }

  @Test func `what is not wanted any more is not done`() async throws {
    try await onLoop { worker in
      let clerk = Clerk(worker)
      let timetable = try Self.timetable(for: clerk, on: worker)
      for number in 0..<10 { timetable.add(number, in: 50) }
      timetable.keep { $0.isMultiple(of: 3) }
      #expect(try await worker.wait { timetable.count == 0 && timetable.running == 0 })
      #expect(clerk.done.sorted() == [0, 3, 6, 9])
    }
  }

  @Test func `the heap puts a thousand things in order`() async throws {
    try await onLoop { worker in
      let clerk = Clerk(worker)
      let timetable = try Self.timetable(for: clerk, on: worker, atOnce: 1)
      let times = (0..<1000).map { $0 * 7919 % 1000 }
      // Something has its turn, and takes so long that all others stand in the heap meanwhile.
      clerk.effort = 100
      timetable.add(-1, in: 0)
      clerk.effort = 0
      for time in times { timetable.add(time, in: Int64(time) - 1000) }
      #expect(try await worker.wait { clerk.done.count == 1001 })
      #expect(clerk.done == Array(-1..<1000))
    }
  }
}
