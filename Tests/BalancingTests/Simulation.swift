// Ten servers, one of them slow, and the requests of two workers: a simulation by events.

// Requests come at random (Poisson). A server works on `slots` requests at once, the others wait in its
// queue; how long one takes is exponential. Two workers choose servers in turn, each with a balancer of
// its own that sees its own requests only. Nothing but the seed decides what happens, so the same table
// comes out everywhere.

@testable import Balancing

struct Simulation {
  static let count = 10
  static let slow = 0
  static let slots = 8
  /// Microseconds.
  static let mean = 10_000.0
  static let slowMean = 100_000.0
  static let users: UInt64 = 2_000
  static let requests = 20_000

  struct Result: Equatable {
    /// Requests for each server.
    var spread = [Int](repeating: 0, count: Simulation.count)
    /// Microseconds, ascending.
    var latencies: [Int] = []

    func percentile(_ percent: Int) -> Int {
      latencies.isEmpty ? 0 : latencies[min(latencies.count - 1, latencies.count * percent / 100)]
    }
  }

  private struct Request {
    let arrival: Int
    let worker: Int
    let server: Int
  }

  private var random = RandomSource(seed: 20_26)
  private var workers: [Balancer]
  /// Ends to come, the next one last.
  private var ends: [(at: Int, request: Request)] = []
  private var queues = [[Request]](repeating: [], count: Simulation.count)
  private var heads = [Int](repeating: 0, count: Simulation.count)
  private var busy = [Int](repeating: 0, count: Simulation.count)
  private var homes = [Int?](repeating: nil, count: Int(Simulation.users))
  private var result = Result()

  private init(_ algorithm: Algorithm) {
    workers = (0..<2).map { Balancer(algorithm, servers: servers(Self.count), seed: $0) }
  }

  /// Requests a second come in at `rate`.
  static func run(_ algorithm: Algorithm, rate: Double) -> Result {
    var simulation = Simulation(algorithm)
    var now = 0
    for number in 0..<requests {
      now += Int(simulation.exponential(1_000_000 / rate))
      simulation.finish(until: now)
      simulation.arrive(number, at: now)
    }
    simulation.finish(until: .max)
    simulation.result.latencies.sort()
    return simulation.result
  }

  private mutating func exponential(_ mean: Double) -> Double {
    RandomSource.exponential(random.next()) * mean
  }

  private mutating func arrive(_ number: Int, at now: Int) {
    let worker = number % workers.count
    let user = Int(random.below(Self.users))
    let isSticky = workers[worker].algorithm == .sticky
    let choice = workers[worker].pick(
      at: Milliseconds(now / 1000), key: RandomSource.mix(UInt64(user)),
      pinned: isSticky ? homes[user] : nil)
    guard let server = choice.index else { return }
    homes[user] = server
    workers[worker].begin(server)
    result.spread[server] += 1
    let request = Request(arrival: now, worker: worker, server: server)
    if busy[server] < Self.slots {
      start(request, at: now)
    } else {
      queues[server].append(request)
    }
  }

  private mutating func start(_ request: Request, at now: Int) {
    busy[request.server] += 1
    let mean = request.server == Self.slow ? Self.slowMean : Self.mean
    let end = now + Int(exponential(mean))
    var (low, high) = (0, ends.count)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle].at > end { low = middle + 1 } else { high = middle }
    }
    ends.insert((end, request), at: low)
  }

  private mutating func finish(until moment: Int) {
    while let (at, request) = ends.last, at <= moment {
      ends.removeLast()
      let server = request.server
      result.latencies.append(at - request.arrival)
      workers[request.worker].end(server)
      _ = workers[request.worker].note(
        .answered, latency: Int64(at - request.arrival), of: server, at: Milliseconds(at / 1000))
      busy[server] -= 1
      if heads[server] < queues[server].count {
        heads[server] += 1
        start(queues[server][heads[server] - 1], at: at)
      }
    }
  }
}
