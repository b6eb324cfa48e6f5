// The servers a request has been sent to already: a retry goes to another one first.

/// The last few servers that were tried, by index; no heap.
package struct TriedServers: Sendable, BitwiseCopyable {
  /// How many are remembered. More tries than this are never made (2 retries by default).
  package static let limit = 8

  private var indices = InlineArray<8, Int32>(repeating: -1)
  package private(set) var count = 0

  package init() {}

  /// Beyond the limit the oldest is forgotten, which is harmless: it may be tried again.
  package mutating func insert(_ index: Int) {
    indices[count % Self.limit] = Int32(truncatingIfNeeded: index)
    count += 1
  }

  @inline(__always)
  package func contains(_ index: Int) -> Bool {
    if count == 0 { return false }
    for i in 0..<min(count, Self.limit) where indices[i] == index { return true }
    return false
  }
}
