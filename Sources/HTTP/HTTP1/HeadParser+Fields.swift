// The field section of heads and trailers: RFC 9112 5.

extension HeadParser {
  /// Where fields stand, which decides whether the parser acts on them.
  enum Section { case request, response, trailers }

  /// Parses field lines up to and with the empty line.
  ///
  /// - Returns: whether the section is complete; then `cursor` is past it.
  mutating func parseFields(
    _ bytes: RawSpan, into fields: inout FieldLines, in section: Section
  ) throws(RequestError) -> Bool {
    fields.reserve(limits.fields)
    var tally = Tally(count: fields.endIndex, known: fields.known, flags: fields.flags)
    defer {
      fields.endIndex = tally.count
      fields.known = tally.known
      fields.flags = tally.flags
    }
    var room = fields.room
    return try parseLines(bytes, into: &room, &tally, in: section)
  }

  /// What is known of the fields so far.
  private struct Tally {
    var count: Int
    var known: UInt64
    var flags: FieldLine.Flags
  }

  /// The loop over field lines. Its state is held in locals, which is to say in registers, and put
  /// back however it is left. What it calls is static: a parser that is being changed would be copied
  /// for each call of a method of its own.
  private mutating func parseLines(
    _ bytes: RawSpan, into fields: inout MutableSpan<FieldLine>, _ tally: inout Tally,
    in section: Section
  ) throws(RequestError) -> Bool {
    let room = min(limits.fields, fields.count)
    var number = tally.count
    let count = bytes.byteCount
    var cursor = self.cursor
    var line = self.line
    var isInValue = phase == .value
    defer {
      tally.count = number
      self.cursor = cursor
      self.line = line
      phase = isInValue ? .value : .name
    }
    while true {
      // The line may go on up to here; one comparison tells that it is neither too long nor cut.
      let limit = min(line.start &+ lineLimit, start &+ limits.head)
      let stop = min(limit &+ 1, count)
      if !isInValue {
        if cursor == line.start {
          guard cursor < count else { return false }
          if bytes[cursor] == ASCII.carriageReturn {
            return try Self.parseEmptyLine(bytes, &cursor, limit: start &+ limits.head)
          }
          guard number < room else { throw .fieldsTooLarge }
        }
        cursor = bytes.firstNonName(from: cursor)
        if cursor < count, bytes[cursor] != 0x3a {  // :
          Self.skipUnusualName(bytes, &cursor, &line)
        }
        guard cursor < stop else { return try Self.isCut(at: cursor, limit) }
        guard bytes[cursor] == 0x3a, cursor > line.start else {
          throw .badRequest(Self.nameFault(bytes, cursor, line))
        }
        line.nameEnd = cursor
        cursor &+= 1
        isInValue = true
      }
      cursor = bytes.firstControl(from: cursor)
      guard cursor < stop else { return try Self.isCut(at: cursor, limit) }
      guard bytes.isLineEnd(at: cursor) else { return try Self.isCutLineEnd(bytes, cursor) }
      let field = Self.fieldLine(bytes, line, end: cursor)
      fields[number] = field
      number &+= 1
      tally.known |= 1 &<< UInt64(field.known.rawValue)
      tally.flags.formUnion(field.flags)
      cursor &+= 2
      line = Line(start: cursor)
      isInValue = false
      if field.known.isRead, section != .trailers {
        try meaning.read(field.known, bytes, field.value, isRequest: section == .request)
      }
    }
  }

  /// The field on a line that ends at `end`.
  @inline(__always)
  private static func fieldLine(_ bytes: RawSpan, _ line: Line, end: Int) -> FieldLine {
    // Nearly always one blank stands before the value and none after it.
    var valueStart = line.nameEnd &+ 1
    var valueEnd = end
    if bytes[valueStart] == ASCII.space { valueStart &+= 1 }
    // Of the bytes a value may hold, only blanks are not above SP; nor is the CR of an empty one.
    if bytes[valueStart] <= ASCII.space || bytes[end &- 1] <= ASCII.space {
      let value = bytes.trimmingBlanks(min(valueStart, end)..<end)
      valueStart = value.lowerBound
      valueEnd = value.upperBound
    }
    return FieldLine(
      name: ByteRange(from: line.start, to: line.nameEnd),
      value: ByteRange(from: valueStart, to: valueEnd),
      known: FieldName(bytes.piece(from: line.start, to: line.nameEnd)),
      flags: line.isUnusual ? .unusualName : [])
  }

  /// What it means that a line has got as far as `cursor` and not found what it looked for there.
  ///
  /// - Returns: false, "not complete"; throws if the line would be too long in any case.
  private static func isCut(at cursor: Int, _ limit: Int) throws(RequestError) -> Bool {
    if cursor > limit { throw .fieldsTooLarge }
    return false
  }

  /// What it means that the control byte at `cursor` is not the first of CRLF.
  ///
  /// - Returns: false, "not complete", if it may still become one.
  private static func isCutLineEnd(_ bytes: RawSpan, _ cursor: Int) throws(RequestError) -> Bool {
    guard bytes[cursor] == ASCII.carriageReturn else { throw .badRequest(.fieldValue) }
    guard cursor + 1 == bytes.byteCount else { throw .badRequest(.bareCarriageReturn) }
    return false
  }

  /// The empty line at `cursor` that ends the section.
  private static func parseEmptyLine(
    _ bytes: RawSpan, _ cursor: inout Int, limit: Int
  ) throws(RequestError) -> Bool {
    guard cursor + 2 <= limit else { throw .fieldsTooLarge }
    guard cursor + 1 < bytes.byteCount else { return false }
    guard bytes[cursor + 1] == ASCII.lineFeed else { throw .badRequest(.bareCarriageReturn) }
    cursor += 2
    return true
  }

  /// Goes on over the rarer bytes of a name, to the first that cannot be in one.
  private static func skipUnusualName(_ bytes: RawSpan, _ cursor: inout Int, _ line: inout Line) {
    while cursor < bytes.byteCount, ASCII.token.contains(bytes[cursor]) {
      if bytes[cursor] == 0x5f || bytes[cursor] == 0x2e { line.isUnusual = true }  // _ .
      cursor += 1
    }
  }

  /// What is wrong with a line whose name is not followed by a colon at `cursor`.
  private static func nameFault(_ bytes: RawSpan, _ cursor: Int, _ line: Line) -> HeadFault {
    guard ASCII.isBlank(bytes[cursor]) else { return .fieldName }
    // RFC 9112 5.2: a line that begins with a blank once went on with the value of the last one.
    return cursor == line.start ? .foldedLine : .blankBeforeColon
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
