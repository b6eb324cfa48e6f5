// The event loop as an executor: jobs run on its thread, from wherever they come.
import IO
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EventLoopTests {
  @Test func `a job of the actor runs on the loop's thread, before and after a wait`() async throws
  {
    let here = try await onLoop { worker in
      var here = [worker.loop.isIsolatingCurrentContext()]
      await worker.reactor.yield()
      here.append(worker.loop.isIsolatingCurrentContext())
      await Task.yield()
      here.append(worker.loop.isIsolatingCurrentContext())
      return here
    }
    #expect(here == [true, true, true])
  }

  @Test func `nobody else is on the loop's thread`() async throws {
    let loop = try await onLoop { worker in worker.loop }
    #expect(loop.isIsolatingCurrentContext() == false)
    #expect(EventLoop().isIsolatingCurrentContext() == false)
  }

  @Test func `to claim to be on the loop from elsewhere stops the program`() async {
    await #expect(processExitsWith: .failure) { EventLoop().checkIsolated() }
  }

  @Test func `jobs sent by many threads all arrive`() async throws {
    let counter = CountingActor()
    let thread = try Thread(named: "counter") { counter.turn() }
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<500 { await counter.count() }
        }
      }
    }
    let total = await counter.total
    await counter.stop()
    thread.join()
    #expect(total == 4000)
  }

  @Test func `a job sent before the loop turns is not lost`() async throws {
    let counter = CountingActor()
    async let counted: Void = counter.count()
    let thread = try Thread(named: "counter") { counter.turn() }
    await counted
    let total = await counter.total
    await counter.stop()
    thread.join()
    #expect(total == 1)
  }

  @Test func `tasks that never stop yielding do not keep the others from their sockets`()
    async throws
  {
    try await onLoop { worker in
      let busy = Task.immediate {
        while !Task.isCancelled {
          await worker.reactor.yield()
          await Task.yield()
        }
      }
      let pair = try DescriptorPair()
      try worker.reactor.register(pair.near.number)
      send("x", to: pair.far.number)
      let read = Interest(pair.near.number, .read)
      #expect(await worker.reactor.wait(for: read, until: worker.patience) == .ready)
      busy.cancel()
      await busy.value
      worker.reactor.forget(pair.near.number)
    }
  }

  @Test func `what is for no executor in particular runs on the loop it came from`() async throws {
    let wasThere = try await onLoop { worker in await isOnThread(of: worker.loop) }
    #expect(wasThere)
  }

  @Test func `a turn has room for more jobs than a loop begins with`() async throws {
    let order = try await onLoop { worker in
      let turns = Turns()
      let tasks = (0..<1000).map { number in
        Task.immediate {
          await Task.yield()
          worker.assertIsolated()
          turns.names += "\(number) "
        }
      }
      for task in tasks { await task.value }
      return turns.names
    }
    #expect(order == (0..<1000).map { "\($0) " }.joined())
  }

  @Test func `yielding tasks take turns`() async throws {
    let turns = try await onLoop { worker in
      let turns = Turns()
      let tasks = ["a", "b"].map { name in
        Task.immediate {
          for _ in 0..<3 {
            turns.names += name
            await worker.reactor.yield()
          }
        }
      }
      for task in tasks { await task.value }
      return turns.names
    }
    #expect(turns == "ababab")
  }
}

@concurrent private func isOnThread(of loop: EventLoop) async -> Bool {
  loop.isIsolatingCurrentContext() ?? false
}

private final class Turns {
  var names = ""
}

private actor CountingActor {
  nonisolated let loop = EventLoop()
  private let reactor: Reactor
  private(set) var total = 0

  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe loop.asUnownedSerialExecutor()
  }

  init() { reactor = Reactor(for: loop) }

  nonisolated func turn() {
    loop.adoptThread()
    assumeIsolated { $0.loop.run($0.reactor) }
  }

  func count() { total += 1 }

  func stop() { loop.stop() }
}
