// What one slow server of ten does to the others' clients, under each algorithm.
import Testing

@testable import Balancing

private let light = 600.0
private let heavy = 3_000.0

private func tenths(_ value: Double) -> String {
  let tenths = Int(value * 10 + 0.5)
  return "\(tenths / 10).\(tenths % 10)"
}

private func columns(_ result: Simulation.Result) -> String {
  let share = { (count: Int) in tenths(100 * Double(count) / Double(Simulation.requests)) }
  let others = result.spread.indices.filter { $0 != Simulation.slow }.map { result.spread[$0] }
  let milliseconds = { (percent: Int) in tenths(Double(result.percentile(percent)) / 1000) }
  return " \(share(result.spread[Simulation.slow])) % |"
    + " \(share(others.min() ?? 0))-\(share(others.max() ?? 0)) % |"
    + " \(milliseconds(50)) | \(milliseconds(99)) |"
}

@Test func `the documented simulation is what comes out`() throws {
  var table = """
    | | 600/s: slow one's share | others' | p50 | p99 | 3,000/s: slow one's share | others' | p50 | p99 |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- |

    """
  for algorithm in Algorithm.allCases {
    table += "| `\(algorithm.rawValue)` |"
    for rate in [light, heavy] { table += columns(Simulation.run(algorithm, rate: rate)) }
    table += "\n"
  }
  #expect(try document("docs/balancing.md").contains(table), "\n\(table)")
}

@Test func `whoever looks at load or latency keeps the slow server from its clients`() {
  let blind = Simulation.run(.roundRobin, rate: heavy)
  for algorithm in [Algorithm.p2c, .leastConnections, .leastLatency] {
    let result = Simulation.run(algorithm, rate: heavy)
    #expect(result.latencies.count == Simulation.requests)
    #expect(result.percentile(99) * 4 < blind.percentile(99))
    #expect(result.spread[Simulation.slow] * 3 < blind.spread[Simulation.slow])
  }
}

@Test func `a simulation comes out the same each time`() {
  #expect(Simulation.run(.p2c, rate: light) == Simulation.run(.p2c, rate: light))
}
