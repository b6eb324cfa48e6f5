// The field section of heads and trailers: RFC 9112 5.

extension HeadParser {
  /// Where fields stand, which decides whether the parser acts on them.
  enum Section { case request, response, trailers }

  /// Parses field lines up to and with the empty line.
  ///
  /// - Returns: whether the section is complete; then `cursor` is past it.
  mutating func parseFields(
    _ bytes: RawSpan, into fields: inout [FieldLine], in section: Section
  ) throws(RequestError) -> Bool {
    let count = bytes.byteCount
    while true {
      if phase == .name {
        if cursor == line.start {
          guard cursor < count else { return false }
          if bytes[cursor] == ASCII.carriageReturn { return try parseEmptyLine(bytes) }
          guard fields.count < limits.fields else { throw .fieldsTooLarge }
        }
        cursor = bytes.firstNonName(from: cursor)
        if cursor < count, bytes[cursor] != 0x3a { skipUnusualName(bytes) }
        try checkLine()
        guard cursor < count else { return false }
        guard bytes[cursor] == 0x3a, cursor > line.start else {  // :
          throw .badRequest(nameFault(bytes))
        }
        line.nameEnd = cursor
        cursor += 1
        phase = .value
      }
      cursor = bytes.firstControl(from: cursor)
      try checkLine()
      guard cursor < count else { return false }
      guard bytes[cursor] == ASCII.carriageReturn else { throw .badRequest(.fieldValue) }
      guard cursor + 1 < count else { return false }
      guard bytes[cursor + 1] == ASCII.lineFeed else { throw .badRequest(.bareCarriageReturn) }
      try endField(bytes, &fields, in: section)
    }
  }

  /// Stores the field line that ends at `cursor`, and goes on after it.
  @inline(__always)
  private mutating func endField(
    _ bytes: RawSpan, _ fields: inout [FieldLine], in section: Section
  ) throws(RequestError) {
    let name = line.start..<line.nameEnd
    let known = FieldName(bytes.extracting(name))
    let value = ByteRange(bytes.trimmingBlanks(line.nameEnd + 1..<cursor))
    fields.append(
      FieldLine(
        name: ByteRange(name), value: value, known: known,
        flags: line.isUnusual ? .unusualName : []))
    if known.isRead, section != .trailers {
      try meaning.read(known, bytes, value, isRequest: section == .request)
    }
    cursor += 2
    line.start = cursor
    line.isUnusual = false
    phase = .name
  }

  /// The empty line at `cursor` that ends the section.
  private mutating func parseEmptyLine(_ bytes: RawSpan) throws(RequestError) -> Bool {
    guard cursor + 2 - start <= limits.head else { throw .fieldsTooLarge }
    guard cursor + 1 < bytes.byteCount else { return false }
    guard bytes[cursor + 1] == ASCII.lineFeed else { throw .badRequest(.bareCarriageReturn) }
    cursor += 2
    return true
  }

  /// Goes on over the rarer bytes of a name, to the first that cannot be in one.
  private mutating func skipUnusualName(_ bytes: RawSpan) {
    while cursor < bytes.byteCount, ASCII.token.contains(bytes[cursor]) {
      if bytes[cursor] == 0x5f || bytes[cursor] == 0x2e { line.isUnusual = true }  // _ .
      cursor += 1
    }
  }

  /// What is wrong with a line whose name is not followed by a colon at `cursor`.
  private func nameFault(_ bytes: RawSpan) -> HeadFault {
    guard ASCII.isBlank(bytes[cursor]) else { return .fieldName }
    // RFC 9112 5.2: a line that begins with a blank once went on with the value of the last one.
    return cursor == line.start ? .foldedLine : .blankBeforeColon
  }

  @inline(__always)
  private func checkLine() throws(RequestError) {
    if cursor - line.start > lineLimit || cursor - start > limits.head { throw .fieldsTooLarge }
  }
}

/// Marks the fields that Connection fields name: RFC 9110 7.6.1. A second pass, which only heads
/// that name any take; `HeadLimits.connectionNames` bounds it.
func markNamedFields(_ bytes: RawSpan, _ fields: inout [FieldLine]) throws(RequestError) {
  for i in fields.indices where fields[i].known == .connection {
    var list = TokenList(fields[i].value.range)
    while let token = try list.next(bytes) {
      let name = bytes.extracting(token)
      for j in fields.indices
      where Int(fields[j].name.count) == token.count && fields[j].known.isRemovableByConnection {
        if bytes.slice(fields[j].name).equalsIgnoringCase(name) {
          fields[j].flags.insert(.namedByConnection)
        }
      }
    }
  }
}
