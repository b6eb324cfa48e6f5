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
  private let isAnchored: Bool

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
    // SAFETY: PCRE2 only reads `code`.
    isAnchored = unsafe cpcre2_is_anchored(code) != 0
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

  @inline(__always)
  func match(_ bytes: RawSpan, _ matcher: borrowing Matcher) -> Outcome {
    unsafe matcher.match(code, isAnchored: isAnchored, bytes)
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
  ///
  /// PCRE2's match limit alone holds nothing: it counts the ways tried from one starting place, and
  /// starts anew at the next; and a way may look at every byte. With PCRE2's own limit of
  /// 10,000,000, or even 100,000, `(.*)\1[bc]` takes ten seconds on 8 KiB of "a". So the limit is
  /// made from what the whole search may cost: starting places x ways x bytes.
  package struct Limits: Sendable {
    /// How many bytes may be looked at in a search, when every way looks at all of them. Machine
    /// code looks at some 3 to 10 in a nanosecond.
    package var bytes = 100_000_000
    /// The most ways from a starting place, and those that are always allowed: simple patterns need
    /// a handful, also in a long path.
    package var steps: ClosedRange<Int> = 32...100_000
    /// The most bytes that are searched: the longest line of a head.
    package var subject = 8192
    /// KiB that the interpreter may take from the heap.
    package var heap: UInt32 = 1024
    /// Bytes of stack for machine code; taken as they are needed.
    package var stack = 512 * 1024

    package init() {}

    /// The ways that are allowed from each starting place in so many bytes.
    @inline(__always)
    func steps(_ count: Int, isAnchored: Bool) -> UInt32 {
      let cost = isAnchored ? count + 1 : (count + 1) * (count + 1)
      return UInt32(min(max(bytes / cost, steps.lowerBound), steps.upperBound))
    }
  }
}
