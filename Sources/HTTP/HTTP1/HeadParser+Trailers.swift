// The trailer section of a chunked body: RFC 9112 7.1.2.

extension HeadParser {
  /// Parses a trailer section, with its empty line, as `ChunkedDecoder` found it.
  ///
  /// The fields say nothing about the message any more, whatever they are called; which of them
  /// may be forwarded, `FieldName.isAllowedInTrailers` says.
  ///
  /// - Parameter fields: replaced by the section's fields; the ranges count from its first byte.
  package static func parseTrailers(
    _ section: RawSpan, into fields: inout FieldLines, limits: HeadLimits = .trailers
  ) throws(RequestError) {
    fields.removeAll()
    var parser = HeadParser(limits: limits)
    parser.phase = .fields
    let isComplete = try parser.parseFields(section, into: &fields, in: .trailers)
    guard isComplete, parser.cursor == section.byteCount else { throw .badRequest(.fieldName) }
  }
}
