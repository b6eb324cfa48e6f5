// `max_connections` over all workers: places at a server are counted by an atomic, and requests that
// find none wait in one line for all workers, first come, first served.
//
// A place that is given back while somebody waits is not set free but handed over, so that no request
// that comes later can snatch it. The two atomics are used as Dekker's algorithm has it: who waits
// enters the line and then looks for a free place; who frees one does so and then looks at the line.
// In the order of all such operations one of them comes second, and sees what the other did.
import Synchronization

/// The places of all servers with a limit. Created once for the process.
package final class PlaceRegistry: Sendable {
  private let lines = Mutex<[String: WeakLine]>([:])

  package init() {}

  /// The line of an upstream; one for all workers and configurations.
  func line(of upstream: String) -> WaitingLine {
    lines.withLock { lines in
      if let line = lines[upstream]?.line { return line }
      lines = lines.filter { $0.value.line != nil }
      let line = WaitingLine()
      lines[upstream] = WeakLine(line: line)
      return line
    }
  }

  private struct WeakLine: Sendable {
    weak let line: WaitingLine?
  }
}

/// The places at one server. Atomic.
final class Places: Sendable {
  /// Requests that are with the server, over all workers.
  private let taken = Atomic<Int>(0)

  var count: Int { taken.load(ordering: .relaxed) }

  /// Takes a place if fewer than `limit` are taken.
  func take(limit: Int) -> Bool {
    if taken.add(1, ordering: .sequentiallyConsistent).newValue <= limit { return true }
    taken.subtract(1, ordering: .sequentiallyConsistent)
    return false
  }

  func free() { taken.subtract(1, ordering: .sequentiallyConsistent) }
}

/// A request that waits, as other workers see it.
struct LineEntry: Sendable {
  let worker: Worker?
  let ticket: UInt64
}

/// The requests that wait for a place at one upstream, and the places at its servers.
final class WaitingLine: Sendable {
  private struct State {
    var entries: [LineEntry] = []
    var places: [UInt64: WeakPlaces] = [:]
    var nextTicket: UInt64 = 1
  }

  private struct WeakPlaces: Sendable {
    weak let places: Places?
  }

  private let state = Mutex(State())
  private let waiting = Atomic<Int>(0)

  /// How many wait.
  var count: Int { waiting.load(ordering: .sequentiallyConsistent) }

  /// The places at a server.
  func places(at identity: UInt64) -> Places {
    state.withLock { state in
      if let places = state.places[identity]?.places { return places }
      state.places = state.places.filter { $0.value.places != nil }
      let places = Places()
      state.places[identity] = WeakPlaces(places: places)
      return places
    }
  }

  /// Enters the line at its end; nil when `limit` wait already.
  func enter(_ worker: Worker?, limit: Int) -> UInt64? {
    state.withLock { state in
      guard state.entries.count < limit else { return nil }
      let ticket = state.nextTicket
      state.nextTicket += 1
      state.entries.append(LineEntry(worker: worker, ticket: ticket))
      waiting.add(1, ordering: .sequentiallyConsistent)
      return ticket
    }
  }

  /// Leaves the line; nothing happens when the place was given already.
  func leave(_ ticket: UInt64) {
    state.withLock { state in
      guard let index = state.entries.firstIndex(where: { $0.ticket == ticket }) else { return }
      state.entries.remove(at: index)
      waiting.subtract(1, ordering: .sequentiallyConsistent)
    }
  }

  /// Takes the first out of the line.
  func next() -> LineEntry? {
    guard count > 0 else { return nil }
    return state.withLock { state in
      if state.entries.isEmpty { return nil }
      waiting.subtract(1, ordering: .sequentiallyConsistent)
      return state.entries.removeFirst()
    }
  }
}
