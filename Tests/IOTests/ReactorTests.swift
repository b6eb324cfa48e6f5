// The reactor: who waits is woken once, for the right reason, and nothing ready is missed.
import Glibc
import IO
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ReactorTests {
  @Test func `a wait ends when the descriptor is ready`() async throws {
    try await onLoop { worker in
      let pair = try DescriptorPair()
      try worker.reactor.register(pair.near.number)
      let read = Interest(pair.near.number, .read)
      let waiting = Task.immediate {
        await worker.reactor.wait(for: read, until: worker.patience)
      }
      send("x", to: pair.far.number)
      #expect(await waiting.value == .ready)
      worker.reactor.forget(pair.near.number)
    }
  }

  @Test func `readiness that came while nobody waited is kept until it is cleared`() async throws {
    try await onLoop { worker in
      let pair = try DescriptorPair()
      let fd = pair.near.number
      try worker.reactor.register(fd)
      #expect(!worker.reactor.isReady(fd, for: .read))
      send("x", to: pair.far.number)
      await worker.reactor.yield()
      #expect(worker.reactor.isReady(fd, for: .read))
      let past = worker.soon(-1)
      #expect(await worker.reactor.wait(for: Interest(fd, .read), until: past) == .ready)
      worker.reactor.clear(fd, .read)
      #expect(!worker.reactor.isReady(fd, for: .read))
      #expect(await worker.reactor.wait(for: Interest(fd, .read), until: past) == .deadline)
      worker.reactor.assume(fd, .read)
      #expect(worker.reactor.isReady(fd, for: .read))
      worker.reactor.forget(fd)
    }
  }

  @Test func `a wait for one thing is not ended by another`() async throws {
    try await onLoop { worker in
      let pair = try DescriptorPair()
      let fd = pair.near.number
      try worker.reactor.register(fd)
      let deadline = worker.soon(1)
      // Writable at once, but not readable.
      #expect(await worker.reactor.wait(for: Interest(fd, .read), until: deadline) == .deadline)
      #expect(worker.reactor.now >= deadline)
      #expect(worker.reactor.isReady(fd, for: .write))
      worker.reactor.forget(fd)
    }
  }

  @Test(arguments: [false, true]) func `a wait for two descriptors is ended by either`(second: Bool)
    async throws
  {
    try await onLoop { worker in
      let one = try DescriptorPair()
      let two = try DescriptorPair()
      try worker.reactor.register(one.near.number)
      try worker.reactor.register(two.near.number)
      var interests = Interests(Interest(one.near.number, .read))
      interests.insert(Interest(two.near.number, .read))
      let both = interests
      let waiting = Task.immediate {
        await worker.reactor.wait(for: both, until: worker.patience)
      }
      send("x", to: second ? two.far.number : one.far.number)
      #expect(await waiting.value == .ready)
      #expect(worker.reactor.isReady(one.near.number, for: .read) == !second)
      #expect(worker.reactor.isReady(two.near.number, for: .read) == second)
      // Both are free to be waited for again, each alone.
      let soon = worker.soon(1)
      for fd in [one.near.number, two.near.number] {
        worker.reactor.clear(fd, .read)
        #expect(await worker.reactor.wait(for: Interest(fd, .read), until: soon) == .deadline)
        worker.reactor.forget(fd)
      }
    }
  }

  @Test func `waits that end in one turn end each for its own reason`() async throws {
    try await onLoop { worker in
      let one = try DescriptorPair()
      let two = try DescriptorPair()
      try worker.reactor.register(one.near.number)
      try worker.reactor.register(two.near.number)
      let waits = [one.near.number, two.near.number].map { fd in
        Task.immediate {
          await worker.reactor.wait(for: Interest(fd, .read), until: worker.patience)
        }
      }
      send("x", to: one.far.number)
      worker.reactor.interrupt(two.near.number)
      #expect(await waits[0].value == .ready)
      #expect(await waits[1].value == .deadline)
      worker.reactor.forget(one.near.number)
      worker.reactor.forget(two.near.number)
    }
  }

  @Test func `two wishes for one descriptor are one`() async throws {
    try await onLoop { worker in
      let pair = try DescriptorPair()
      let fd = pair.near.number
      try worker.reactor.register(fd)
      var interests = Interests()
      #expect(interests.isEmpty)
      interests.insert(Interest(fd, .read))
      interests.insert(Interest(fd, .write))
      #expect(!interests.isEmpty)
      #expect(await worker.reactor.wait(for: interests, until: worker.patience) == .ready)
      #expect(worker.reactor.isReady(fd, for: .write))
      worker.reactor.forget(fd)
    }
  }

  @Test func `a hundred deadlines all pass, none early`() async throws {
    try await onLoop { worker in
      let reactor = worker.reactor
      let tasks = (0..<100).map { i in
        Task.immediate {
          let pair = try DescriptorPair()
          let fd = pair.near.number
          try reactor.register(fd)
          let deadline = worker.soon(Int64(i % 7))
          let wake = await reactor.wait(for: Interest(fd, .read), until: deadline)
          reactor.forget(fd)
          return wake == .deadline && reactor.now >= deadline
        }
      }
      for task in tasks {
        let met = try await task.value
        #expect(met)
      }
    }
  }

  @Test func `a later deadline is not met at the time of an earlier one`() async throws {
    try await onLoop { worker in
      let pair = try DescriptorPair()
      let fd = pair.near.number
      try worker.reactor.register(fd)
      // Filed for the first deadline, woken before it by the byte, and waiting again for longer.
      send("x", to: pair.far.number)
      let early = worker.soon(1)
      #expect(await worker.reactor.wait(for: Interest(fd, .read), until: early) == .ready)
      worker.reactor.clear(fd, .read)
      let late = early.advanced(by: 120)
      #expect(await worker.reactor.wait(for: Interest(fd, .read), until: late) == .deadline)
      #expect(worker.reactor.now >= late)
      worker.reactor.forget(fd)
    }
  }

  @Test func `a broken connection ends every wait`() async throws {
    try await onLoop { worker in
      let pair = try StreamPair(on: worker.reactor).release()
      let waiting = Task.immediate {
        await worker.reactor.wait(for: Interest(pair.near, []), until: worker.patience)
      }
      closeWithReset(pair.far)
      _ = TCPStream(registered: pair.far, on: worker.reactor)
      #expect(await waiting.value == .ready)
      _ = TCPStream(registered: pair.near, on: worker.reactor)
    }
  }

  @Test func `registering what cannot be watched is an error`() async throws {
    try await onLoop { worker in
      let file = Descriptor(adopting: unsafe open("/proc/self/exe", O_RDONLY))
      #expect(throws: SystemError(code: EPERM)) { try worker.reactor.register(file.number) }
    }
  }

  @Test func `two tasks that wait for one descriptor stop the program`() async {
    await #expect(processExitsWith: .failure) {
      try await onLoop { worker in
        let pair = try DescriptorPair()
        try worker.reactor.register(pair.near.number)
        let read = Interest(pair.near.number, .read)
        Task.immediate {
          _ = await worker.reactor.wait(for: read, until: .never)
        }
        await worker.reactor.yield()
        _ = await worker.reactor.wait(for: read, until: worker.soon(1))
      }
    }
  }

  @Test func `closing what a task waits for stops the program`() async {
    await #expect(processExitsWith: .failure) {
      try await onLoop { worker in
        let pair = try DescriptorPair()
        try worker.reactor.register(pair.near.number)
        let read = Interest(pair.near.number, .read)
        Task.immediate {
          _ = await worker.reactor.wait(for: read, until: .never)
        }
        await worker.reactor.yield()
        worker.reactor.forget(pair.near.number)
      }
    }
  }

  @Test func `a wait for three descriptors stops the program`() async {
    await #expect(processExitsWith: .failure) {
      var interests = Interests(Interest(3, .read))
      interests.insert(Interest(4, .read))
      interests.insert(Interest(5, .read))
    }
  }
}
