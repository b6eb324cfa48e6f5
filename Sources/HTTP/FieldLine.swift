// One field of a head or of a trailer section, as ranges into its bytes.

/// A field line: where its name and value lie and what the parser knows about it.
package struct FieldLine: Sendable, BitwiseCopyable {
  package struct Flags: OptionSet, Sendable, BitwiseCopyable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A Connection field lists it, and it is one that a peer may have removed that way.
    package static var namedByConnection: Flags { Flags(rawValue: 1) }
    /// Its name holds "_" or ".", which CGI-like servers cannot tell from "-".
    package static var unusualName: Flags { Flags(rawValue: 2) }
  }

  package var name: ByteRange
  /// Without the blanks around it.
  package var value: ByteRange
  package var known: FieldName
  package var flags: Flags

  package init(name: ByteRange, value: ByteRange, known: FieldName, flags: Flags = []) {
    self.name = name
    self.value = value
    self.known = known
    self.flags = flags
  }
}
