// Things that are done again and again, each at its own time: health checks, look-ups in the DNS.
// What waits is a line in a heap, only what is being done is a task, and so many at once, no more.
import IO

/// Who does what a timetable says.
package protocol TimetableOwner: AnyObject {
  /// Does the thing of this number.
  ///
  /// - Returns: in how many milliseconds to do it again; nil for never.
  func perform(_ number: Int) async -> Int64?
}

/// A timetable. Loop-confined; costs a descriptor, and a task while anything stands in it.
package final class Timetable {
  private struct Entry {
    var due: Moment
    var number: Int
  }

  private let reactor: Reactor
  private let loop: EventLoop
  private let alarm: Alarm
  private let atOnce: Int
  private weak var owner: (any TimetableOwner)?
  /// A binary heap: each entry is due no later than those at 2i + 1 and 2i + 2.
  private var heap: [Entry] = []
  private var isDriven = false
  /// How many things are being done now.
  package private(set) var running = 0

  /// - Parameter atOnce: how many things may be done at a time; the others are late, then.
  package init(on reactor: Reactor, loop: EventLoop, atOnce: Int) throws(SystemError) {
    precondition(atOnce > 0)
    self.reactor = reactor
    self.loop = loop
    self.atOnce = atOnce
    alarm = try Alarm(on: reactor)
  }

  /// How many things wait for their time.
  package var count: Int { heap.count }

  /// Whose things these are. To be said before the first `add`.
  package func serve(_ owner: any TimetableOwner) { self.owner = owner }

  /// Has the thing of this number done in so many milliseconds.
  package func add(
    _ number: Int, in milliseconds: Int64, isolation: isolated (any Actor)? = #isolation
  ) {
    push(Entry(due: reactor.now.advanced(by: milliseconds), number: number))
    if isDriven {
      alarm.ring()
    } else {
      isDriven = true
      Task.immediate {
        _ = isolation
        await self.drive()
      }
    }
  }

  /// Drops what waits and is not wanted any more.
  package func keep(where isWanted: (_ number: Int) -> Bool) {
    let wanted = heap.filter { isWanted($0.number) }
    guard wanted.count < heap.count else { return }
    heap.removeAll(keepingCapacity: true)
    for entry in wanted { push(entry) }
    alarm.ring()
  }

  /// Starts what is due until nothing stands in the timetable.
  private func drive(isolation: isolated (any Actor)? = #isolation) async {
    while !heap.isEmpty {
      while running < atOnce, let first = heap.first, first.due <= reactor.now {
        pop()
        running += 1
        Task.immediate {
          _ = isolation
          await self.perform(first.number)
        }
      }
      guard let first = heap.first else { break }
      await alarm.wait(until: running < atOnce ? first.due : .never)
    }
    isDriven = false
  }

  private func perform(_ number: Int, isolation: isolated (any Actor)? = #isolation) async {
    let pause = await owner?.perform(number)
    running -= 1
    if let pause {
      add(number, in: pause)
    } else if isDriven {
      alarm.ring()
    }
  }

  // MARK: The heap

  private func push(_ entry: Entry) {
    var at = heap.count
    heap.append(entry)
    while at > 0, entry.due < heap[(at - 1) / 2].due {
      heap.swapAt(at, (at - 1) / 2)
      at = (at - 1) / 2
    }
  }

  private func pop() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var at = 0
    while true {
      var least = at
      for child in [2 * at + 1, 2 * at + 2] where child < heap.count {
        if heap[child].due < heap[least].due { least = child }
      }
      if least == at { return }
      heap.swapAt(at, least)
      at = least
    }
  }
}
