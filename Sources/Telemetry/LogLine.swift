// One line of the log as bytes: bounded, and free of anything that could forge a second line or
// talk to the operator's terminal.

/// A finished log line, with its line feed.
///
///     [2026-11-21 10:00:00.123456 +0000] Started.  Listening on port 8000.
///     [2026-11-21 10:00:01.000002 +0000] error: cannot listen on port 80: Permission denied
struct LogLine: Sendable {
  /// PIPE_BUF: a write of so many bytes to a pipe is never mixed with another one (pipe(7)).
  static let limit = 4096
  private static let ellipsis = "..."

  /// At most `limit` bytes, the last one a line feed.
  private(set) var bytes: [UInt8] = []

  /// - Parameter message: any text; control and invisible formatting characters are escaped, and
  ///   what does not fit is cut and replaced by `...`.
  init(_ time: Timestamp, _ level: Log.Level, _ message: String) {
    bytes.reserveCapacity(min(Self.limit, message.utf8.count + 64))
    bytes += "[\(time)] ".utf8
    if level != .info { bytes += "\(level.name): ".utf8 }
    append(message)
    bytes.append(UInt8(ascii: "\n"))
  }

  private mutating func append(_ message: String) {
    let room = Self.limit - 1
    // The last place at which the text can be cut so that the ellipsis still fits.
    var cut = bytes.count
    for scalar in message.unicodeScalars {
      bytes += Self.visible(scalar).utf8
      if bytes.count <= room - Self.ellipsis.utf8.count { cut = bytes.count }
      if bytes.count > room {
        bytes.removeSubrange(cut...)
        bytes += Self.ellipsis.utf8
        return
      }
    }
  }

  /// The character itself, or `\n`, `\t`, `\r` or `\u{1b}` in place of one that acts or hides.
  ///
  /// Formatting characters are among those, since they can reorder a line (U+202E). A backslash
  /// stays as it is, for the sake of the regular expressions that messages quote.
  private static func visible(_ scalar: Unicode.Scalar) -> String {
    if (0x20..<0x7f).contains(scalar.value) { return String(scalar) }
    switch scalar {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default: break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator:
      return "\\u{\(String(scalar.value, radix: 16))}"
    default:
      return String(scalar)
    }
  }
}
