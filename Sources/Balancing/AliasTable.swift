// A weighted random choice in constant time.

// Walker's alias method, as Vose builds it: each server gets a column of the same width; what its weight
// lacks of the column is filled up by one other server, the alias. A choice is then a random column and
// a comparison, whatever the number of servers.

/// The primary servers with a weight, by weight. Immutable.
struct AliasTable: Sendable {
  private struct Column: Sendable, BitwiseCopyable {
    /// Below it the column's own server is meant, otherwise the alias; as a fraction of 2^32.
    var share: UInt32
    var own: UInt32
    var alias: UInt32
  }

  private var columns: [Column] = []

  init(_ servers: [ServerState]) {
    let members = servers.indices.filter { !servers[$0].isBackup && servers[$0].weight > 0 }
    let total = members.reduce(0) { $0 + Int64(servers[$1].weight) }
    // Scaled so that a full column is `total`.
    var left = members.map { Int64(servers[$0].weight) * Int64(members.count) }
    columns = members.map { Column(share: .max, own: UInt32($0), alias: UInt32($0)) }
    var small = left.indices.filter { left[$0] < total }
    var large = left.indices.filter { left[$0] >= total }
    while let poor = small.popLast(), let rich = large.popLast() {
      columns[poor].share = UInt32(clamping: Int64(Double(left[poor]) / Double(total) * 0x1p32))
      columns[poor].alias = columns[rich].own
      left[rich] -= total - left[poor]
      if left[rich] < total { small.append(rich) } else { large.append(rich) }
    }
  }

  @inline(__always)
  var isEmpty: Bool { columns.isEmpty }

  /// - Precondition: the table is not empty.
  @inline(__always)
  func draw(_ random: inout RandomSource) -> Int {
    let bits = random.next()
    // The upper half picks the column, the lower half the side of it.
    let column = columns[Int(((bits &>> 32) &* UInt64(columns.count)) &>> 32)]
    return Int(UInt32(truncatingIfNeeded: bits) < column.share ? column.own : column.alias)
  }
}
