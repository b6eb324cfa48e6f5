// What routing and choosing a server cost a request, measured alone: from the bytes of a Host and a path
// to the number of the route's destination, the count of the site, and a server out of ten.
//
// A whole proxy's time per request changes by more between two runs than all of this takes, so the bench
// case `sites`, which measures the whole, cannot tell it. Here 64 requests at a time, as from 64
// connections, are routed between two readings of the clock. Before each such turn the processor's caches
// are filled with other things: 0, 1 or 4 MiB of them, since what the kernel does for 64 requests takes
// the place of the tables there, too.
import Balancing
import Bytes
import Configuration
import Proxy
import Routing

/// Hosts as a request has them, 22 bytes each.
func hostNames(_ count: Int) -> [[UInt8]] {
  (0..<count).map { number in
    let digits = String(number)
    let zeros = String(repeating: "0", count: 6 - digits.count)
    return Array("site\(zeros)\(digits).example.com".utf8)
  }
}

/// One upstream, so many servers, and so many sites whose every request goes there.
func configuration(sites: Int, servers: Int) throws -> Configuration {
  let addresses = (0..<servers).map { "\"127.0.0.1:\(9000 + $0)\"" }.joined(separator: ", ")
  return try Configuration.load(
    text: """
      listen "127.0.0.1:8000"
      upstream "backend" { \(addresses) }
      for number = 0, \(sites) - 1 do
        site(("site%06d.example.com"):format(number)) { ["/"] = proxy "backend" }
      end
      """)
}

extension String {
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}

final class Measurement {
  private let table: SiteTable
  private var balancer: Balancer
  private let matcher = Matcher()
  private let hosts: [[UInt8]]
  private let path = Array("/index.html".utf8)
  private var other: [UInt64]
  private var next: UInt64 = 1
  private(set) var sum = 0

  init(sites: Int, servers: Int, evicted bytes: Int) throws {
    table = SiteTable(try configuration(sites: sites, servers: servers).sites)
    balancer = Balancer(
      .p2c, servers: (0..<servers).map { ServerState(identity: UInt64($0)) }, seed: 1)
    hosts = hostNames(sites)
    other = Array(repeating: 1, count: bytes / 8)
  }

  /// Nanoseconds a request: the median of turns.
  func run(turns: Int) -> Double {
    var times: [Double] = []
    for _ in 0..<turns {
      for line in stride(from: 0, to: other.count, by: 8) { other[line] &+= 1 }
      // The names themselves come with the request: they are in the cache.
      var asked: [[UInt8]] = []
      for _ in 0..<64 {
        next = next &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let host = hosts[Int(next >> 33) % hosts.count]
        asked.append(host.map { $0 })
      }
      let start = ContinuousClock.now
      for host in asked { route(host) }
      let time = ContinuousClock.now - start
      times.append(Double(time.components.attoseconds) / 1e9 / 64)
    }
    return times.sorted()[turns / 2]
  }

  private func route(_ host: [UInt8]) {
    guard let site = host.withBytes({ table.site(for: $0) }),
      case .route(let route) = path.withBytes({ table.route(of: site, for: $0, matcher) }),
      case .server(let server) = balancer.pick(at: 0)
    else { fatalError("a host without a site or a server") }
    sum &+= table.destination(of: route, in: site)
    table.noteRequest(of: site.number, at: site.entry)
    balancer.begin(server)
    _ = balancer.note(.answered, latency: nil, of: server, at: 0)
    balancer.end(server)
  }
}

print("routing a request and choosing its server, ns (median of turns of 64 requests)")
print("sites     servers   caches kept   1 MiB evicted   4 MiB evicted")
for (sites, servers) in [(1, 1), (1, 10), (10, 10), (100_000, 1), (100_000, 10)] {
  var line = "\(sites)".padded(to: 10) + "\(servers)".padded(to: 10)
  for evicted in [0, 1 << 20, 4 << 20] {
    let measurement = try Measurement(sites: sites, servers: servers, evicted: evicted)
    _ = measurement.run(turns: 200)
    line += "\(Int(measurement.run(turns: 2000).rounded()))".padded(to: evicted == 0 ? 14 : 16)
  }
  print(line)
}
