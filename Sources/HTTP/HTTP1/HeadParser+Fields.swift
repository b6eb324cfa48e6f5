// The field section of heads and trailers: RFC 9112 5.
import CScan

extension HeadParser {
  /// Where fields stand, which decides on which of them the parser acts.
  enum Section {
    case request, response, trailers

    /// The names of the fields that are acted on, as in `FieldLines.known`.
    @inline(__always)
    var acted: UInt64 {
      let ofBoth =
        FieldName.connection.bit | FieldName.contentLength.bit
        | FieldName.transferEncoding.bit | FieldName.upgrade.bit | FieldName.keepAlive.bit
      return switch self {
      case .request: ofBoth | FieldName.host.bit | FieldName.expect.bit
      case .response: ofBoth
      case .trailers: 0
      }
    }
  }

  /// Parses field lines up to and with the empty line.
  ///
  /// The loop's state is held in locals, which is to say in registers. What it calls for the rarer
  /// lines is static: a parser that is being changed would be copied for each call of a method of
  /// its own.
  ///
  /// - Returns: whether the section is complete; then `cursor` is past it.
  @inline(never)
  mutating func parseFields(
    _ bytes: RawSpan, into fields: inout FieldLines, in section: Section
  ) throws(RequestError) -> Bool {
    fields.reserve(limits.fields)
    let names = KnownNames.all
    let (acted, lineLimit) = (section.acted, lineLimit)
    let headEnd = start &+ limits.head
    // No line's end is found in here that is beyond the limit of the head.
    let window = bytes.piece(from: 0, to: min(bytes.byteCount, headEnd &+ 2))
    var cursor = self.cursor
    var lineStart = self.line.start
    var tally = Tally(of: fields)
    defer { tally.store(in: &fields) }
    var room = fields.room
    let most = UInt(bitPattern: min(limits.fields, room.count))
    while true {
      if window.isLineEnd(at: lineStart), lineStart &+ 2 <= headEnd {
        self.cursor = lineStart &+ 2
        return true
      }
      var line = Line(start: lineStart)
      // Nearly every name has 2 to 16 letters, digits and "-", then come colon and blank.
      let group = window.group(at: lineStart)
      line.nameCount = (cscan_not_name(group) | 1 << 16).trailingZeroBitCount
      let ending = window.quad(at: lineStart &+ line.nameCount &- 2)
      if let ending, ending >> 16 == 0x203a, line.nameCount >= 2,
        UInt(bitPattern: tally.count) < most
      {
        line.known = names.name(
          window, from: lineStart, count: line.nameCount, group,
          UInt16(truncatingIfNeeded: ending))
        line.valueStart = lineStart &+ line.nameCount &+ 2
        cursor = max(cursor, line.valueStart)
      } else {
        let begun = try Self.begin(
          self.line.start == lineStart ? self.line : Line(start: lineStart), cursor, bytes,
          limit: min(lineStart &+ lineLimit, headEnd), headEnd: headEnd,
          hasRoom: tally.count < limits.fields)
        line = begun.line
        cursor = begun.cursor
        guard line.valueStart > 0 else {
          self.cursor = cursor
          self.line = line
          return false
        }
      }
      cursor = window.firstControl(from: cursor)
      guard cursor &- lineStart <= lineLimit, window.isLineEnd(at: cursor) else {
        self.cursor = cursor
        self.line = line
        return try Self.isCut(bytes, cursor, limit: min(lineStart &+ lineLimit, headEnd))
      }
      let value = line.value(window, end: cursor)
      room[tally.count] = line.field(value)
      tally.add(line)
      cursor &+= 2
      lineStart = cursor
      if acted & line.known.bit != 0 { try meaning.read(line.known, bytes, value) }
    }
  }

  /// What is known of the fields so far.
  private struct Tally {
    var count: Int
    var known: UInt64
    var flags: FieldLine.Flags

    @inline(__always)
    init(of fields: FieldLines) {
      count = fields.endIndex
      known = fields.known
      flags = fields.flags
    }

    @inline(__always)
    mutating func add(_ line: Line) {
      count &+= 1
      known |= line.known.bit
      flags.formUnion(line.flags)
    }

    @inline(__always)
    func store(in fields: inout FieldLines) {
      fields.endIndex = count
      fields.known = known
      fields.flags = flags
    }
  }

  /// How far a line's name was read.
  private struct Beginning {
    var line: Line
    var cursor: Int
  }

  /// Reads the name of a line, from `cursor` on and byte by byte, unless that was done before. If its
  /// end has not come, nor that of the empty line, `valueStart` is not known afterwards.
  @inline(never)
  private static func begin(
    _ line: Line, _ cursor: Int, _ bytes: RawSpan, limit: Int, headEnd: Int, hasRoom: Bool
  ) throws(RequestError) -> Beginning {
    var begun = Beginning(line: line, cursor: cursor)
    if line.valueStart > 0 { return begun }
    if cursor == line.start {
      guard cursor < bytes.byteCount else { return begun }
      if bytes[cursor] == ASCII.carriageReturn {
        guard cursor + 2 <= headEnd else { throw .fieldsTooLarge }
        guard cursor + 1 < bytes.byteCount else { return begun }
        throw .badRequest(.bareCarriageReturn)
      }
    }
    guard hasRoom else { throw .fieldsTooLarge }
    var end = bytes.firstNonName(from: cursor)
    while end < bytes.byteCount, ASCII.token.contains(bytes[end]) {
      if bytes[end] == 0x5f || bytes[end] == 0x2e { begun.line.flags = .unusualName }  // _ .
      end += 1
    }
    begun.cursor = end
    guard end <= limit else { throw .fieldsTooLarge }
    guard end < bytes.byteCount else { return begun }
    guard bytes[end] == 0x3a, end > line.start else {
      throw .badRequest(nameFault(bytes, end, line))
    }
    begun.cursor = end + 1
    begun.line.valueStart = begun.cursor
    begun.line.nameCount = end - line.start
    begun.line.known = FieldName(bytes.piece(from: line.start, to: end))
    return begun
  }

  /// What is wrong with a line whose name is not followed by a colon at `cursor`.
  private static func nameFault(_ bytes: RawSpan, _ cursor: Int, _ line: Line) -> HeadFault {
    guard ASCII.isBlank(bytes[cursor]) else { return .fieldName }
    // RFC 9112 5.2: a line that begins with a blank once went on with the value of the last one.
    return cursor == line.start ? .foldedLine : .blankBeforeColon
  }

  /// What it means that a value ends at `cursor`, but not with CRLF or too late.
  ///
  /// - Returns: false, "not complete", if it may still become a line.
  @inline(never)
  private static func isCut(
    _ bytes: RawSpan, _ cursor: Int, limit: Int
  ) throws(RequestError) -> Bool {
    guard cursor <= limit else { throw .fieldsTooLarge }
    guard cursor < bytes.byteCount else { return false }
    guard bytes[cursor] == ASCII.carriageReturn else { throw .badRequest(.fieldValue) }
    guard cursor + 1 == bytes.byteCount else { throw .badRequest(.bareCarriageReturn) }
    return false
  }
}

extension HeadParser.Line {
  /// The value of the field on the line, whose CRLF is at `end`.
  @inline(__always)
  fileprivate func value(_ bytes: RawSpan, end: Int) -> ByteRange {
    // Of the bytes a value may hold, only blanks are not above SP; nor is the CR of an empty one.
    if bytes[valueStart] > ASCII.space, bytes[end &- 1] > ASCII.space {
      return ByteRange(from: valueStart, to: end)
    }
    return ByteRange(bytes.trimmingBlanks(min(valueStart, end)..<end))
  }

  @inline(__always)
  fileprivate func field(_ value: ByteRange) -> FieldLine {
    FieldLine(
      name: ByteRange(from: start, to: start &+ nameCount), value: value, known: known,
      flags: flags)
  }
}

/// Marks the fields that Connection fields name: RFC 9110 7.6.1. A second pass, which only heads
/// that name any take; `HeadLimits.connectionNames` bounds it.
func markNamedFields(_ bytes: RawSpan, _ fields: inout FieldLines) throws(RequestError) {
  for i in fields.indices where fields[i].known == .connection {
    var list = TokenList(fields[i].value.range)
    while let token = try list.next(bytes) {
      let name = bytes.extracting(token)
      for j in fields.indices
      where Int(fields[j].name.count) == token.count && fields[j].known.isRemovableByConnection {
        if bytes.slice(fields[j].name).equalsIgnoringCase(name) {
          fields.flag(j, .namedByConnection)
        }
      }
    }
  }
}
