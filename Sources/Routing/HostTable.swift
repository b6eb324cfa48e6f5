// The sites of a listener by their names. A thin, inlinable layer over `HostIndex`, because generic
// code is not specialised across modules and copying a value through its witnesses would cost more
// than finding it.

/// A table from host names to values: exact names first, then the longest wildcard, then `*`.
///
/// Immutable once published. Give each worker its own values where they are references: counting
/// references to objects that workers share is a contended write per request.
@usableFromInline
package struct HostTable<Value> {
  @usableFromInline
  package private(set) var index: HostIndex
  @usableFromInline
  package private(set) var values: [Value] = []

  package init(capacity: Int = 0) {
    index = HostIndex(capacity: capacity)
    values.reserveCapacity(capacity)
  }

  /// How many names there are.
  package var count: Int { values.count }

  /// Adds a name.
  ///
  /// - Returns: the value that the name has already and keeps; nil when it was new.
  package mutating func insert(_ name: HostName, _ value: Value) -> Value? {
    if let taken = index.insert(name, values.count) { return values[taken] }
    values.append(value)
    return nil
  }

  /// The value for a host, as `HostIndex.find` reads one.
  @inlinable
  package subscript(host: RawSpan) -> Value? {
    guard let found = index.find(host) else { return nil }
    return values[found]
  }
}

extension HostTable: Sendable where Value: Sendable {}
