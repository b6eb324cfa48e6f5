// One spelling for every path. What is matched against a location, shown to a hook, used as a
// cache key and forwarded must be the same string, or a rule for /admin is passed by with
// /%61dmin, //admin or /x/../admin.
//
// - escapes of unreserved bytes are resolved, the others kept with upper-case digits: RFC 3986
//   6.2.2. So %2f and %5c stay what they are: a server may tell a/b from a%2fb.
// - "." and ".." segments are resolved (RFC 3986 5.2.4), also when they were written as %2e; a
//   path that climbs above the root is refused, not held at the root as the RFC has it.
// - runs of "/" become one, as in nginx's merge_slashes.
// - a raw "\" is written %5C, because some servers take it for "/".
//
// Nearly every path is normal already: one pass over its bytes, sixteen at a time, proves that.
import Bytes

/// A path that has no normal form.
package enum PathError: Error, Equatable, Sendable {
  /// A control byte, a blank, a byte beyond ASCII, "#" or "?"; or %00.
  case forbiddenByte
  /// A "%" without two hexadecimal digits.
  case brokenEscape
  case aboveRoot
  /// It does not begin with "/".
  case notAbsolute
  /// The result does not fit in the buffer.
  case tooLong

  /// What was wrong, for the client.
  package var description: StaticString {
    switch self {
    case .forbiddenByte: "the path holds a forbidden character"
    case .brokenEscape: "the path holds a broken escape"
    case .aboveRoot: "the path leads above the root"
    case .notAbsolute: "the path does not begin with a slash"
    case .tooLong: "the path is too long"
    }
  }
}

/// Makes paths normal.
package enum PathNormalizer {
  /// Appends the normal form of a path, if it is another one.
  ///
  /// - Parameters:
  ///   - path: a path without its query; an empty one becomes "/".
  ///   - buffer: gets the normal form; holds whatever it held before if this returns false or
  ///     throws.
  /// - Returns: false if the path is normal as it is, and nothing was written.
  package static func normalize(
    _ path: RawSpan, into buffer: inout ByteBuffer
  ) throws(PathError) -> Bool {
    guard path.byteCount > 0 else {
      guard buffer.tailroom > 0 else { throw .tooLong }
      buffer.append(0x2f)
      return true
    }
    guard path[0] == 0x2f else { throw .notAbsolute }
    guard let oddity = path.firstPathOddity() else { return false }
    guard try needsChange(path, from: oddity) else { return false }
    let before = buffer.count
    do throws(PathError) {
      try rewrite(path, &buffer)
    } catch {
      buffer.truncate(buffer.count - before)
      throw error
    }
    return true
  }

  /// Whether something about a path has to change: %2F and a segment such as ".well-known" look
  /// odd to the first pass and are not.
  private static func needsChange(
    _ path: RawSpan, from oddity: Int
  ) throws(PathError) -> Bool {
    var i = oddity
    while i < path.byteCount {
      let byte = path[i]
      switch byte {
      case 0x25:  // %
        let value = try escape(path, i)
        if ASCII.unreserved.contains(value) { return true }
        if path[i + 1] >= 0x61 || path[i + 2] >= 0x61 { return true }
        i += 2
      case 0x2f where i > 0 && path[i - 1] == 0x2f: return true
      case 0x2e where path[i - 1] == 0x2f:
        var end = i + 1
        if end < path.byteCount, path[end] == 0x2e { end += 1 }
        if end == path.byteCount || path[end] == 0x2f { return true }
      case 0x5c: return true
      default: try check(byte)
      }
      i += 1
    }
    return false
  }

  /// Writes segment after segment, and takes the last one back at "..".
  private static func rewrite(_ path: RawSpan, _ buffer: inout ByteBuffer) throws(PathError) {
    let root = buffer.count
    try put(0x2f, &buffer)
    var segment = buffer.count
    var i = 1
    while i < path.byteCount {
      let byte = path[i]
      i += 1
      switch byte {
      case 0x2f: try endSegment(&buffer, &segment, root: root, hasSlash: true)
      case 0x5c:
        try put(0x25, &buffer)
        try put(0x35, &buffer)
        try put(0x43, &buffer)
      case 0x25:
        let value = try escape(path, i - 1)
        if ASCII.unreserved.contains(value) {
          try put(value, &buffer)
        } else {
          try put(0x25, &buffer)
          try put(hexDigit(value >> 4), &buffer)
          try put(hexDigit(value & 15), &buffer)
        }
        i += 2
      default:
        try check(byte)
        try put(byte, &buffer)
      }
    }
    try endSegment(&buffer, &segment, root: root, hasSlash: false)
  }

  /// Judges the segment that has just been written, from `segment` to the buffer's end.
  ///
  /// - Parameter root: where the path begins in the buffer, with its first "/".
  private static func endSegment(
    _ buffer: inout ByteBuffer, _ segment: inout Int, root: Int, hasSlash: Bool
  ) throws(PathError) {
    let length = buffer.count - segment
    if length == 0 { return }
    let isDots =
      length <= 2 && buffer.bytes[segment] == 0x2e
      && buffer.bytes[buffer.count - 1] == 0x2e
    guard isDots else {
      guard hasSlash else { return }
      try put(0x2f, &buffer)
      segment = buffer.count
      return
    }
    buffer.truncate(length)
    guard length == 2 else { return }
    // Before the segment stands a "/"; what is taken back is the segment before that one.
    var start = segment - 1
    guard start > root else { throw .aboveRoot }
    while buffer.bytes[start - 1] != 0x2f { start -= 1 }
    buffer.truncate(segment - start)
    segment = start
  }

  /// The byte that the escape at `offset` stands for.
  private static func escape(_ path: RawSpan, _ offset: Int) throws(PathError) -> UInt8 {
    guard path.byteCount - offset > 2, let high = ASCII.hexDigit(path[offset + 1]),
      let low = ASCII.hexDigit(path[offset + 2])
    else { throw .brokenEscape }
    let value = high << 4 | low
    guard value != 0 else { throw .forbiddenByte }
    return value
  }

  private static func check(_ byte: UInt8) throws(PathError) {
    guard byte > 0x20, byte < 0x7f, byte != 0x23, byte != 0x3f else { throw .forbiddenByte }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? 0x30 + value : 0x37 + value
  }

  private static func put(_ byte: UInt8, _ buffer: inout ByteBuffer) throws(PathError) {
    guard buffer.tailroom > 0 else { throw .tooLong }
    buffer.append(byte)
  }
}
