// Descriptors parked with a keeper, and events that come too late for the descriptor they were for.
import Glibc
import IO
import Testing

/// Notes what it is told, and does what it was asked to do then.
private final class Notebook: Keeper {
  var wakes: [(fd: Int32, note: UInt64, wake: Wake)] = []
  var action: (Int32) -> Void = { _ in }

  func wake(_ fd: Int32, note: UInt64, _ wake: Wake) {
    wakes.append((fd, note, wake))
    action(fd)
  }
}

@Suite(.timeLimit(.minutes(1))) struct ParkingTests {
  @Test func `a parked descriptor that is readable wakes its keeper, once, with its note`()
    async throws
  {
    try await onLoop { worker in
      let notebook = Notebook()
      let keeper = worker.reactor.add(notebook)
      let pair = try DescriptorPair()
      let fd = pair.near.number
      try worker.reactor.register(fd)
      worker.reactor.park(fd, with: keeper, note: .max, until: .never)
      await worker.reactor.yield()
      #expect(notebook.wakes.isEmpty)
      for _ in 0..<2 {
        send("x", to: pair.far.number)
        await worker.reactor.yield()
        #expect(notebook.wakes.map(\.fd) == [fd])
        #expect(notebook.wakes.map(\.note) == [.max])
        #expect(notebook.wakes.map(\.wake) == [.ready])
      }
      #expect(worker.reactor.isReady(fd, for: .read))
      worker.reactor.forget(fd)
    }
  }

  @Test func `a parked descriptor wakes its keeper at the deadline`() async throws {
    try await onLoop { worker in
      let notebook = Notebook()
      let keeper = worker.reactor.add(notebook)
      let parked = try DescriptorPair()
      let timer = try DescriptorPair()
      try worker.reactor.register(parked.near.number)
      try worker.reactor.register(timer.near.number)
      let deadline = worker.soon(1)
      worker.reactor.park(parked.near.number, with: keeper, note: 7, until: deadline)
      let read = Interest(timer.near.number, .read)
      _ = await worker.reactor.wait(for: read, until: worker.soon(60))
      #expect(notebook.wakes.map(\.note) == [7])
      #expect(notebook.wakes.map(\.wake) == [.deadline])
      worker.reactor.forget(parked.near.number)
      worker.reactor.forget(timer.near.number)
    }
  }

  @Test func `a descriptor that was taken back wakes nobody, and can be waited for`() async throws {
    try await onLoop { worker in
      let notebook = Notebook()
      let keeper = worker.reactor.add(notebook)
      let pair = try DescriptorPair()
      let fd = pair.near.number
      try worker.reactor.register(fd)
      worker.reactor.park(fd, with: keeper, note: 1, until: worker.soon(1))
      worker.reactor.unpark(fd)
      send("x", to: pair.far.number)
      let read = Interest(fd, .read)
      #expect(await worker.reactor.wait(for: read, until: worker.patience) == .ready)
      worker.reactor.clear(fd, .read)
      _ = await worker.reactor.wait(for: read, until: worker.soon(60))
      #expect(notebook.wakes.isEmpty)
      worker.reactor.forget(fd)
    }
  }

  @Test func `each keeper is told of its own`() async throws {
    try await onLoop { worker in
      let books = [Notebook(), Notebook()]
      let pairs = [
        try StreamPair(on: worker.reactor).release(), try StreamPair(on: worker.reactor).release(),
      ]
      for i in 0..<2 {
        let keeper = worker.reactor.add(books[i])
        await worker.reactor.yield()
        worker.reactor.park(pairs[i].near, with: keeper, note: UInt64(i), until: .never)
      }
      for pair in pairs { send("x", to: pair.far) }
      await worker.reactor.yield()
      #expect(books.map { $0.wakes.map(\.note) } == [[0], [1]])
      for pair in pairs {
        _ = TCPStream(registered: pair.near, on: worker.reactor)
        _ = TCPStream(registered: pair.far, on: worker.reactor)
      }
    }
  }

  @Test func `an event for a closed descriptor is not taken for its successor's`() async throws {
    try await onLoop { worker in
      let reactor = worker.reactor
      let notebook = Notebook()
      let keeper = reactor.add(notebook)
      let first = try StreamPair(on: reactor).release()
      let second = try StreamPair(on: reactor).release()
      let fresh = try DescriptorPair()
      await reactor.yield()
      // Whichever event comes first, its keeper closes the other socket, for which an event is
      // waiting in the same batch, and puts a fresh one in its place.
      let replacement = fresh.near.number
      notebook.action = { fd in
        guard notebook.wakes.count == 1 else { return }
        let other = fd == first.near ? second.near : first.near
        reactor.forget(other)
        dup2(replacement, other)
        try? reactor.register(other)
        reactor.park(other, with: keeper, note: 0, until: .never)
      }
      for pair in [first, second] { reactor.park(pair.near, with: keeper, note: 1, until: .never) }
      for pair in [first, second] { send("x", to: pair.far) }
      await reactor.yield()
      #expect(notebook.wakes.map(\.note) == [1])
      let woken = try #require(notebook.wakes.first).fd
      let replaced = woken == first.near ? second.near : first.near
      #expect(!reactor.isReady(replaced, for: [.read, .write, .hangup, .failure]))
      await reactor.yield()
      #expect(reactor.isReady(replaced, for: .write))
      for pair in [first, second] {
        _ = TCPStream(registered: pair.near, on: reactor)
        _ = TCPStream(registered: pair.far, on: reactor)
      }
    }
  }
}
