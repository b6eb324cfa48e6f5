// An event loop on a thread of its own, for tests: `onLoop` runs an async body there and waits for
// its end, so each test starts with a fresh reactor and leaves no thread behind.
import IO

/// A worker with nothing but a loop and a reactor.
package actor LoopActor {
  package nonisolated let loop = EventLoop()
  package let reactor: Reactor

  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe loop.asUnownedSerialExecutor()
  }

  package init() { reactor = Reactor(for: loop) }

  /// The thread's body.
  package nonisolated func turn() {
    loop.adoptThread()
    assumeIsolated { $0.loop.run($0.reactor) }
  }

  /// Runs the body as a task of the loop, as the proxy runs its connections.
  package func perform<T: Sendable>(
    _ body: @escaping @Sendable (isolated LoopActor) async throws -> T
  ) async throws -> T {
    try await Task.immediate { try await body(self) }.value
  }

  package func stop() { loop.stop() }

  /// A moment so many milliseconds from now.
  package func soon(_ milliseconds: Int64) -> Moment { reactor.now.advanced(by: milliseconds) }

  /// Long enough for anything that is to happen at all; a test that waits this long has failed.
  package var patience: Moment { soon(20_000) }
}

/// Runs the body on a loop of its own and waits for its end.
package func onLoop<T: Sendable>(
  _ body: @escaping @Sendable (isolated LoopActor) async throws -> T
) async throws -> T {
  let worker = LoopActor()
  let thread = try Thread(named: "test loop") { worker.turn() }
  let result: Result<T, any Error>
  do {
    result = .success(try await worker.perform(body))
  } catch {
    result = .failure(error)
  }
  await worker.stop()
  thread.join()
  return try result.get()
}
