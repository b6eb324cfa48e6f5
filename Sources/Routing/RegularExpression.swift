// Regular expressions as PCRE2 knows them, compiled once to machine code and bounded in all they
// may cost: a pattern comes from the operator, but what it is matched against comes from anyone.
import Bytes
import CPCRE2
import HTTP

/// Why a pattern is no regular expression.
package struct RegularExpressionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where PCRE2 stopped reading, in bytes from 0.
  package let offset: Int
  /// PCRE2's words.
  package let message: String

  package var description: String { "\(message), at character \(offset + 1)" }
}

/// A compiled pattern. Immutable once made, so workers may share it: all that a match writes is in
/// the worker's own `Matcher`.
@safe
package final class RegularExpression: @unchecked Sendable {
  /// The most bytes of a pattern.
  package static var longestPattern: Int { 4096 }

  package let pattern: String
  package let ignoresCase: Bool
  // Never written after init; PCRE2's compiled patterns may be used by many threads at once.
  private let code: OpaquePointer

  /// Compiles a pattern. It matches bytes, not characters: `(*UTF)` is refused.
  package init(_ pattern: String, ignoringCase: Bool = false) throws(RegularExpressionError) {
    var error: Int32 = 0
    var offset = 0
    // SAFETY: PCRE2 reads as many bytes as it is told, and keeps no pointer to them.
    let code = unsafe Array(pattern.utf8).withUnsafeBytes { bytes in
      let options = ignoringCase ? UInt32(cpcre2_ignores_case) : 0
      let empty: StaticString = ""
      return unsafe cpcre2_compile(
        bytes.baseAddress ?? UnsafeRawPointer(empty.utf8Start), bytes.count, options,
        Self.longestPattern, &error, &offset)
    }
    guard let code = unsafe code else {
      throw RegularExpressionError(offset: offset, message: Self.message(error))
    }
    unsafe self.code = unsafe code
    self.pattern = pattern
    ignoresCase = ignoringCase
  }

  // SAFETY: the last use of `code`, which nobody else has.
  deinit { unsafe cpcre2_free(code) }

  private static func message(_ error: Int32) -> String {
    var text = [CChar](repeating: 0, count: 256)
    // SAFETY: PCRE2 writes at most as many bytes as it is told, with a NUL at their end.
    unsafe text.withUnsafeMutableBufferPointer { room in
      if let start = room.baseAddress { unsafe cpcre2_message(error, start, room.count) }
    }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  // SAFETY (of the next four): PCRE2 only reads `code`, which lives as long as self.

  /// How many groups capture, the whole match apart.
  package var groupCount: Int { Int(unsafe cpcre2_groups(code)) }

  /// Bytes of memory behind the pattern, machine code included.
  package var byteCount: Int { unsafe cpcre2_size(code) }

  /// Whether there is machine code; without it, PCRE2's interpreter does the matching.
  package var isMachineCode: Bool { unsafe cpcre2_is_machine_code(code) != 0 }

  /// The number of the group `(?<name>...)`, if there is exactly one of that name.
  package func group(named name: String) -> Int? {
    guard !name.utf8.contains(0) else { return nil }
    let number = unsafe cpcre2_group(code, name)
    return number > 0 ? Int(number) : nil
  }

  /// Searches bytes for the pattern, anywhere in them unless it is anchored.
  ///
  /// Takes bounded time: `Limits.steps` of PCRE2's, whatever the pattern and the bytes.
  @inline(__always)
  func match(_ bytes: RawSpan, _ matcher: borrowing Matcher) -> Outcome {
    unsafe matcher.match(code, bytes)
  }

  /// Searches bytes for the pattern, anywhere in them unless it is anchored, in bounded time.
  ///
  /// - Parameter matcher: the worker's own; after `.matched`, its groups lie in `bytes`.
  package func search(_ bytes: RawSpan, _ matcher: borrowing Matcher) -> Outcome {
    match(bytes, matcher)
  }
}

extension RegularExpression {
  /// What became of a search.
  package enum Outcome: Sendable, Equatable {
    case matched, noMatch
    /// A limit ended it, so nobody knows. A rule that was to be decided by it must fail closed.
    case gaveUp
  }

  /// What a search may cost.
  package struct Limits: Sendable {
    /// PCRE2's match limit: about how often it may try another way. Machine code does some 300 a
    /// microsecond; PCRE2's own 10,000,000 would hold a worker for tens of milliseconds.
    package var steps: UInt32 = 100_000
    /// KiB that the interpreter may take from the heap.
    package var heap: UInt32 = 1024
    /// Bytes of stack for machine code; taken as they are needed.
    package var stack = 512 * 1024

    package init() {}
  }
}
