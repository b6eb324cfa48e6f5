// What one search for a regular expression writes while it runs, kept from one search to the next so
// that none of them allocates.
import CPCRE2
import HTTP

/// Room for the groups of a match, a stack for PCRE2's machine code, and its limits.
/// Worker-confined: one for each worker, used for one search after another.
@safe
package struct Matcher: ~Copyable {
  /// The whole match and the groups 1 to 9, which is what `$1` to `$9` can name.
  package static var groups: Int { 10 }

  private let base: OpaquePointer
  private let limits: RegularExpression.Limits

  package init(limits: RegularExpression.Limits = .init()) {
    // SAFETY: makes an object that only this value has.
    let base = unsafe cpcre2_open(UInt32(Self.groups), limits.heap, limits.stack)
    guard let base = unsafe base else { preconditionFailure("no memory for a matcher") }
    unsafe self.base = unsafe base
    self.limits = limits
  }

  // SAFETY: the last use of `base`, which nobody else has.
  deinit { unsafe cpcre2_close(base) }

  /// SAFETY: `code` must be a compiled pattern that lives during the call.
  @unsafe
  borrowing func match(
    _ code: OpaquePointer, isAnchored: Bool, _ bytes: RawSpan
  ) -> RegularExpression.Outcome {
    forgetGroups()
    guard bytes.byteCount <= limits.subject else { return .gaveUp }
    let steps = limits.steps(bytes.byteCount, isAnchored: isAnchored)
    // SAFETY: PCRE2 reads `bytes.count` bytes there; a Matcher is not Sendable, so no other thread
    // writes to it at the same time.
    let outcome = unsafe bytes.withUnsafeBytes { bytes in
      unsafe cpcre2_match(code, base, bytes.baseAddress, bytes.count, steps)
    }
    return switch outcome {
    case cpcre2_matched: .matched
    case cpcre2_no_match: .noMatch
    default: .gaveUp
    }
  }

  /// Forgets the groups of the last search, whose bytes may be another request's by now.
  borrowing func forgetGroups() {
    // SAFETY: as for `match`.
    unsafe cpcre2_forget(base)
  }

  /// All groups of the last search, as `group` gives each. The next search overwrites them, so they
  /// are to be taken before the worker turns to another request.
  package borrowing func allGroups() -> InlineArray<10, ByteRange?> {
    InlineArray { group($0) }
  }

  /// Where a group of the last search lies in the bytes that were searched; 0 is the whole match.
  /// Nil for a group that took no part in it, when nothing matched, and beyond 9.
  package borrowing func group(_ number: Int) -> ByteRange? {
    guard 0..<Self.groups ~= number else { return nil }
    // SAFETY: two offsets, which are there until the next search.
    guard let pair = unsafe cpcre2_group_offsets(base, UInt32(number)) else { return nil }
    let start = unsafe pair[0]
    let end = unsafe pair[1]
    guard end <= Int(UInt32.max) else { return nil }
    return ByteRange(start..<end)
  }
}

@available(*, unavailable)
extension Matcher: Sendable {}
