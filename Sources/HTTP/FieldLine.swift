// One field of a head or of a trailer section, as ranges into its bytes.

/// A field line: where its name and value lie and what the parser knows about it.
@usableFromInline
package struct FieldLine: Sendable, BitwiseCopyable {
  @usableFromInline
  package struct Flags: OptionSet, Sendable, BitwiseCopyable {
    @usableFromInline package let rawValue: UInt8
    @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A Connection field lists it, and it is one that a peer may have removed that way.
    @inlinable package static var namedByConnection: Flags { Flags(rawValue: 1) }
    /// Its name holds "_" or ".", which CGI-like servers cannot tell from "-".
    @inlinable package static var unusualName: Flags { Flags(rawValue: 2) }
  }

  @usableFromInline package var name: ByteRange
  /// Without the blanks around it.
  @usableFromInline package var value: ByteRange
  @usableFromInline package var known: FieldName
  @usableFromInline package var flags: Flags

  package init(name: ByteRange, value: ByteRange, known: FieldName, flags: Flags = []) {
    self.name = name
    self.value = value
    self.known = known
    self.flags = flags
  }
}
