// Tasks in reserve: work goes to those that wait, each piece once, and no more wait than may.
// (`_ = worker` makes a task the worker's.)
import IO
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct TaskReserveTests {
  /// So many tasks of the worker's that wait for work.
  private func waiting(
    _ count: Int, in reserve: TaskReserve<Int>, on worker: isolated LoopActor
  ) -> [Task<Int?, Never>] {
    (0..<count).map { _ in
      Task.immediate {
        _ = worker
        return await reserve.next()
      }
    }
  }

  @Test func `work finds no task before one waits`() async throws {
    try await onLoop { _ in
      #expect(!TaskReserve<Int>(limit: 1).give(1))
    }
  }

  @Test func `each piece of work goes to one task that waits`() async throws {
    try await onLoop { worker in
      let reserve = TaskReserve<Int>(limit: 3)
      let tasks = waiting(3, in: reserve, on: worker)
      #expect(reserve.count == 3)
      for work in 1...3 { #expect(reserve.give(work)) }
      #expect(!reserve.give(4))
      var done: Set<Int> = []
      for task in tasks { done.insert(try #require(await task.value)) }
      #expect(done == [1, 2, 3])
    }
  }

  @Test func `one task more than the limit does not wait`() async throws {
    try await onLoop { worker in
      let reserve = TaskReserve<Int>(limit: 1)
      let first = waiting(1, in: reserve, on: worker)[0]
      #expect(await reserve.next() == nil)
      #expect(reserve.give(7))
      #expect(await first.value == 7)
    }
  }

  @Test func `tasks that are let go find no work, but what is given at the same time is done`()
    async throws
  {
    try await onLoop { worker in
      let reserve = TaskReserve<Int>(limit: 3)
      let tasks = waiting(3, in: reserve, on: worker)
      #expect(reserve.give(1))
      reserve.dismiss()
      #expect(reserve.count == 0)
      #expect(!reserve.give(2))
      var done: [Int] = []
      for task in tasks { if let work = await task.value { done.append(work) } }
      #expect(done == [1])
    }
  }

  @Test func `a task goes on in a later turn, not within the gift`() async throws {
    try await onLoop { worker in
      let reserve = TaskReserve<Int>(limit: 1)
      let done = Flag()
      let task = Task.immediate {
        _ = worker
        _ = await reserve.next()
        done.isSet = true
      }
      #expect(reserve.give(1))
      #expect(!done.isSet)
      await task.value
      #expect(done.isSet)
    }
  }
}

private final class Flag { var isSet = false }
