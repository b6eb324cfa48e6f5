// The fields of one head after another, in storage that is made once: a head's parser then stores a
// field by a few stores, and forgets the last head's by one.

/// The field lines of a head, in their order. Keeps its storage when it is emptied.
@usableFromInline
package struct FieldLines: RandomAccessCollection, Sendable {
  /// Fields of this head, then of others that were longer.
  @usableFromInline var storage: [FieldLine] = []
  /// How many fields there are.
  @usableFromInline package internal(set) var endIndex = 0
  /// Bit n: a field whose name's `rawValue` is n is among them.
  @usableFromInline package internal(set) var known: UInt64 = 0
  /// The flags of all fields together.
  @usableFromInline package internal(set) var flags: FieldLine.Flags = []

  package init() {}

  @inlinable package var startIndex: Int { 0 }

  @inlinable
  package subscript(_ index: Int) -> FieldLine {
    precondition(index < endIndex)
    return storage[index]
  }

  /// Whether a field of a known name is among them.
  @inline(__always)
  package func contains(_ name: FieldName) -> Bool { known >> UInt64(name.rawValue) & 1 != 0 }

  /// Adds flags to a field.
  mutating func flag(_ index: Int, _ flags: FieldLine.Flags) {
    precondition(index < endIndex)
    storage[index].flags.formUnion(flags)
    self.flags.formUnion(flags)
  }

  mutating func removeAll() {
    endIndex = 0
    known = 0
    flags = []
  }

  /// Makes room for so many fields.
  mutating func reserve(_ count: Int) {
    guard storage.count < count else { return }
    let none = FieldLine(name: .empty, value: .empty, known: .other)
    storage.append(contentsOf: repeatElement(none, count: count - storage.count))
  }

  /// The storage, to be filled from `endIndex` on.
  var room: MutableSpan<FieldLine> {
    @_lifetime(&self)
    mutating get { storage.mutableSpan }
  }
}
