// The ways of consistent hashing that were not taken, as far as comparing them needs.
@testable import Balancing

/// A way of finding the server of a key. `servers` are identities.
protocol Placement {
  init(_ servers: [UInt64])
  func place(_ key: UInt64) -> UInt64
}

private func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
  RandomSource.mix(a ^ RandomSource.mix(b))
}

struct Rendezvous: Placement {
  let servers: [UInt64]
  init(_ servers: [UInt64]) { self.servers = servers }

  func place(_ key: UInt64) -> UInt64 {
    servers.min { HashKey.meet(key, $0) < HashKey.meet(key, $1) } ?? 0
  }
}

/// Karger's ring with 160 points a server, as ketama has them.
struct Ring: Placement {
  private var points: [(at: UInt64, server: UInt64)] = []

  init(_ servers: [UInt64]) {
    for server in servers {
      for number in 0..<160 as Range<UInt64> { points.append((mix(server, number), server)) }
    }
    points.sort { $0.at < $1.at }
  }

  func place(_ key: UInt64) -> UInt64 {
    let at = RandomSource.mix(key)
    var (low, high) = (0, points.count)
    while low < high {
      let middle = (low + high) / 2
      if points[middle].at < at { low = middle + 1 } else { high = middle }
    }
    return points[low == points.count ? 0 : low].server
  }
}

/// Google's Maglev (2016): servers fill a table in turn, each by its own permutation.
struct Maglev: Placement {
  static let size = 5_003
  private var table: [UInt64]

  init(_ servers: [UInt64]) {
    let size = UInt64(Self.size)
    var filled = [UInt64?](repeating: nil, count: Self.size)
    var next = [UInt64](repeating: 0, count: servers.count)
    var left = Self.size
    while left > 0 {
      for (index, server) in servers.enumerated() where left > 0 {
        let (offset, step) = (mix(server, 1) % size, 1 + mix(server, 2) % (size - 1))
        var slot = 0
        repeat {
          slot = Int((offset + next[index] * step) % size)
          next[index] += 1
        } while filled[slot] != nil
        filled[slot] = server
        left -= 1
      }
    }
    table = filled.compactMap { $0 }
  }

  func place(_ key: UInt64) -> UInt64 {
    table[Int(RandomSource.mix(key) % UInt64(Self.size))]
  }
}

/// Jump hashing (Lamping, Veach 2014): no memory, but servers are numbers, and only the last can go.
struct Jump: Placement {
  let servers: [UInt64]
  init(_ servers: [UInt64]) { self.servers = servers }

  func place(_ key: UInt64) -> UInt64 {
    var key = key
    var (bucket, next) = (0, 0)
    while next < servers.count {
      bucket = next
      key = key &* 2_862_933_555_777_941_757 &+ 1
      next = Int(Double(bucket + 1) * (0x1p31 / Double((key >> 33) + 1)))
    }
    return servers[bucket]
  }
}
