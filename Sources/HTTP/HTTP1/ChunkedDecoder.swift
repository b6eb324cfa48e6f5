// Finding the data in a chunked body: RFC 9112 7.1. The decoder moves no bytes: it says where the
// data lies and keeps in a few words what it has read of the framing around it.
//
//     4 CRLF data CRLF 0 CRLF [trailer fields] CRLF
//
// The framing is judged byte by byte and each byte once. Chunk sizes are the favourite lever of
// request smuggling (signs, blanks, 0x, overflow, a bare LF), so there is one way to write them:
// one to sixteen hexadecimal digits, then ";" or CRLF. Extensions are read over and dropped.

/// A fault in a chunked body; its connection is of no more use.
package enum ChunkedError: Error, Equatable, Sendable {
  case size, sizeTooLarge, `extension`, lineEnd, tooMuchOverhead, trailers, trailersTooLarge

  /// What was wrong, for the client or the log.
  package var description: StaticString {
    switch self {
    case .size: "a chunk size is malformed"
    case .sizeTooLarge: "a chunk size is too large"
    case .extension: "a chunk extension is malformed or too long"
    case .lineEnd: "a chunk does not end in CRLF"
    case .tooMuchOverhead: "the chunks hold too much besides data"
    case .trailers: "the trailer section is malformed"
    case .trailersTooLarge: "the trailer section is too large"
    }
  }
}

/// Decodes one chunked body. A plain value, worker-confined.
package struct ChunkedDecoder: Sendable {
  package enum Event: Equatable, Sendable {
    /// The bytes at this range are data of the body.
    case data(Range<Int>)
    /// The body has ended. The range holds the trailer section with its empty line: CRLF alone if
    /// there are no trailers, else what `HeadParser.parseTrailers` takes.
    case end(trailers: Range<Int>)
    /// More bytes are needed, after those from `position` on.
    case needMore
  }

  /// Bytes of one chunk extension, at most.
  package static let extensionLimit = 4096
  /// How far framing may outweigh data: every chunk is granted 16 bytes and twice its data, so an
  /// honest sender never comes near, and one-byte chunks with long extensions soon do.
  package static let overheadLimit = 16 * 1024

  private enum Phase { case size, `extension`, sizeLineFeed, data, dataReturn, dataLineFeed }
  private enum Part { case chunks, trailers, ended }

  private var part = Part.chunks
  private var phase = Phase.size
  private var size: UInt64 = 0
  /// Digits of the size so far; then bytes of the extension so far.
  private var length = 0
  private var overhead = 0
  /// Of the trailer section, counted from its first byte: where the line in progress begins, how
  /// much has been looked at, and how many lines came before.
  private var trailerLine = 0
  private var trailerScanned = 0
  private var trailerCount = 0
  private let trailerLimits: HeadLimits

  /// Bytes of the current chunk that are still to come or to be taken; 0 between chunks.
  package private(set) var remainingInChunk: UInt64 = 0

  package init(trailers: HeadLimits = .trailers) { trailerLimits = trailers }

  /// Whether `.end` was returned.
  package var isFinished: Bool { part == .ended }

  /// Says that the caller has moved bytes of the current chunk's data by other means.
  ///
  /// - Precondition: `count <= remainingInChunk`.
  package mutating func skip(_ count: UInt64) {
    precondition(count <= remainingInChunk)
    remainingInChunk -= count
    if count > 0, remainingInChunk == 0 { phase = .dataReturn }
  }

  /// Reads on from `position`, to the next piece of data, the end, or the end of the bytes.
  ///
  /// - Parameters:
  ///   - bytes: what has been received.
  ///   - position: where to go on; advanced past everything that need not be offered again. After
  ///     `.needMore` the bytes before it may be let go; those after it come again, with more.
  /// - Throws: `ChunkedError`; it never depends on how the bytes were divided between calls.
  package mutating func next(
    _ bytes: RawSpan, from position: inout Int
  ) throws(ChunkedError) -> Event {
    precondition(position >= 0 && position <= bytes.byteCount)
    while part == .chunks {
      guard position < bytes.byteCount else { return .needMore }
      if phase == .data {
        let available = UInt64(bytes.byteCount - position)
        let start = position
        position += Int(min(available, remainingInChunk))
        skip(UInt64(position - start))
        return .data(start..<position)
      }
      try read(bytes[position])
      position += 1
    }
    guard part == .trailers else { return .end(trailers: position..<position) }
    return try readTrailers(bytes, &position)
  }

  /// Reads one byte of the framing.
  private mutating func read(_ byte: UInt8) throws(ChunkedError) {
    switch phase {
    case .size: try readSize(byte)
    case .extension:
      if byte == ASCII.carriageReturn {
        phase = .sizeLineFeed
        return
      }
      length += 1
      let isControl = (byte < 0x20 && byte != ASCII.tab) || byte == 0x7f
      guard !isControl, length <= Self.extensionLimit else { throw .extension }
      overhead += 1
      guard overhead <= Self.overheadLimit else { throw .tooMuchOverhead }
    case .sizeLineFeed:
      guard byte == ASCII.lineFeed else { throw .lineEnd }
      try beginChunk()
    case .dataReturn:
      guard byte == ASCII.carriageReturn else { throw .lineEnd }
      phase = .dataLineFeed
    case .dataLineFeed:
      guard byte == ASCII.lineFeed else { throw .lineEnd }
      phase = .size
    case .data: break
    }
  }

  private mutating func readSize(_ byte: UInt8) throws(ChunkedError) {
    if let digit = ASCII.hexDigit(byte) {
      length += 1
      guard length <= 16 else { throw .sizeTooLarge }
      size = size << 4 | UInt64(digit)
      return
    }
    guard length > 0 else { throw .size }
    switch byte {
    case ASCII.carriageReturn: phase = .sizeLineFeed
    case 0x3b:  // ;
      length = 0
      phase = .extension
    default: throw .size
    }
  }

  /// The line with the size is complete.
  private mutating func beginChunk() throws(ChunkedError) {
    guard size <= UInt64(Int64.max) else { throw .sizeTooLarge }
    // Grants 16 bytes and twice the data; what this chunk does not need is not saved up.
    let granted = 16 + 2 * Int(min(size, UInt64(Self.overheadLimit)))
    overhead = max(0, overhead - granted)
    remainingInChunk = size
    if size == 0 { part = .trailers }
    phase = .data
    size = 0
    length = 0
  }

  /// Looks for the empty line; the section stays with the caller until all of it is there.
  private mutating func readTrailers(
    _ bytes: RawSpan, _ position: inout Int
  ) throws(ChunkedError) -> Event {
    while true {
      let start = position + trailerLine
      let end = bytes.firstControl(from: position + trailerScanned)
      trailerScanned = end - position
      // Line `fields` + 1 may only be the empty one.
      guard trailerScanned + 2 <= trailerLimits.head,
        end == start || trailerCount < trailerLimits.fields
      else { throw .trailersTooLarge }
      guard end < bytes.byteCount else { return .needMore }
      guard bytes[end] == ASCII.carriageReturn else { throw .trailers }
      guard end + 1 < bytes.byteCount else { return .needMore }
      guard bytes[end + 1] == ASCII.lineFeed else { throw .trailers }
      if end == start {
        let section = position..<end + 2
        position = end + 2
        part = .ended
        return .end(trailers: section)
      }
      trailerLine = end + 2 - position
      trailerScanned = trailerLine
      trailerCount += 1
    }
  }
}
