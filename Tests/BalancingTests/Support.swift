// What the tests share: servers to choose from, and counting what is chosen.
@testable import Balancing

/// Servers of these weights, called 10.0.0.0:80 and so on.
func servers(_ weights: [UInt16], backups: Set<Int> = [], max: Int32 = .max) -> [ServerState] {
  weights.indices.map { index in
    ServerState(
      identity: HashKey.of("10.0.0.\(index):80"), weight: weights[index],
      isBackup: backups.contains(index), maxConnections: max)
  }
}

func servers(_ count: Int, backups: Set<Int> = [], max: Int32 = .max) -> [ServerState] {
  servers([UInt16](repeating: 1, count: count), backups: backups, max: max)
}

extension Pick {
  var index: Int? { if case .server(let index) = self { index } else { nil } }
}

extension Balancer {
  /// How often each server is picked in `count` picks with different keys, none of which lasts.
  mutating func spread(of count: Int, at now: Milliseconds = 0) -> [Int] {
    var picked = [Int](repeating: 0, count: servers.count)
    for key in 0..<count {
      if let index = pick(at: now, key: RandomSource.mix(UInt64(key))).index { picked[index] += 1 }
    }
    return picked
  }

  mutating func fail(_ index: Int, times: Int = 1, at now: Milliseconds) {
    for _ in 0..<times { _ = note(.failed, latency: nil, of: index, at: now) }
  }

  mutating func answer(_ index: Int, at now: Milliseconds) {
    _ = note(.answered, latency: 1_000, of: index, at: now)
  }
}

func tried(_ indices: Int...) -> TriedServers {
  var tried = TriedServers()
  for index in indices { tried.insert(index) }
  return tried
}
