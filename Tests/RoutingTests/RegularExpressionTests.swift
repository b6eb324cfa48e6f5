// PCRE2 behind the wrapper: errors, groups, and the limits that hold a worker's time.
import HTTP
import Testing

@testable import Routing

@Suite struct RegularExpressionTests {
  private func search(
    _ pattern: String, _ text: String, limits: RegularExpression.Limits = .init()
  ) throws -> RegularExpression.Outcome {
    let matcher = Matcher(limits: limits)
    let expression = try RegularExpression(pattern)
    return text.withSpan { expression.search($0, matcher) }
  }

  @Test func `a pattern is found anywhere unless it is anchored`() throws {
    #expect(try search("b", "abc") == .matched)
    #expect(try search("^b", "abc") == .noMatch)
    #expect(try search("", "") == .matched)
    #expect(try search("^$", "") == .matched)
    #expect(try search("x", "") == .noMatch)
  }

  @Test func `case counts unless it is to be ignored`() throws {
    let matcher = Matcher()
    #expect(try search("abc", "ABC") == .noMatch)
    let expression = try RegularExpression("abc", ignoringCase: true)
    #expect("xABCx".withSpan { expression.search($0, matcher) } == .matched)
  }

  @Test(arguments: [
    ("(", 1, "missing closing parenthesis"),
    ("a)", 1, "unmatched closing parenthesis"),
    ("[a", 2, "missing terminating ] for character class"),
    ("*a", 0, "quantifier does not follow a repeatable item"),
    ("(*UTF)a", 6, "using UTF is disabled by the application"),
    ("\\C", 2, "using \\C is disabled by the application"),
  ])
  func `a mistake is told in PCRE2's words, with its place`(
    pattern: String, offset: Int, message: String
  ) {
    #expect(throws: RegularExpressionError(offset: offset, message: message)) {
      try RegularExpression(pattern)
    }
  }

  @Test func `a pattern has 4096 bytes`() throws {
    let longest = String(repeating: "a", count: RegularExpression.longestPattern)
    _ = try RegularExpression(longest)
    #expect(throws: RegularExpressionError.self) { try RegularExpression(longest + "a") }
  }

  @Test func `groups are ranges, up to the ninth`() throws {
    let matcher = Matcher()
    let expression = try RegularExpression("(a)(x)?(b)(.)(.)(.)(.)(.)(.)(?<tenth>.)")
    #expect(expression.groupCount == 10)
    #expect(expression.group(named: "tenth") == 10)
    #expect(expression.group(named: "other") == nil)
    #expect(expression.group(named: "a\0b") == nil)
    #expect("--ab1234567".withSpan { expression.search($0, matcher) } == .matched)
    #expect(matcher.group(0)?.range == 2..<11)
    #expect(matcher.group(1)?.range == 2..<3)
    #expect(matcher.group(2) == nil)
    #expect(matcher.group(9)?.range == 9..<10)
    #expect(matcher.group(10) == nil)
    let groups = matcher.allGroups()
    #expect(groups.indices.allSatisfy { groups[$0] == matcher.group($0) })
    #expect(matcher.group(-1) == nil)
  }

  @Test(arguments: [
    "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(a+a+)+[yz]", "^(([a-z])+.)+[A-Z]([a-z])+$",
  ])
  func `a pattern that explodes is given up`(pattern: String) throws {
    let text = String(repeating: "a", count: 64) + "!"
    #expect(try search(pattern, text) == .gaveUp)
  }

  @Test func `the limit ends exactly those that need more`() throws {
    var limits = RegularExpression.Limits()
    limits.steps = 5...5
    let text = String(repeating: "ab", count: 20)
    #expect(try search("^(?:a|b)*[cd]", text, limits: limits) == .gaveUp)
    #expect(try search("^(?:a|b)*[cd]", text) == .noMatch)
    #expect(try search("^abab", text, limits: limits) == .matched)
  }

  @Test func `the limit shrinks with the square of the bytes, or with them if anchored`() {
    let limits = RegularExpression.Limits()
    #expect(limits.steps(0, isAnchored: false) == 100_000)
    #expect(limits.steps(31, isAnchored: false) == 97_656)
    #expect(limits.steps(999, isAnchored: false) == 100)
    #expect(limits.steps(8192, isAnchored: false) == 32)
    #expect(limits.steps(8192, isAnchored: true) == 12_205)
  }

  /// Each of these takes seconds with PCRE2's limit alone, set to 100,000.
  @Test(arguments: [#"(.*)\1[bc]"#, #"(.+)\1+[bc]"#, "(.*)(.*)(.*)(.*)[bc]"])
  func `a pattern that looks at all bytes from all bytes ends, too`(pattern: String) throws {
    #expect(try search(pattern, String(repeating: "a", count: 8192)) == .gaveUp)
  }

  @Test func `8192 bytes are searched and no more`() throws {
    let longest = String(repeating: "a", count: 8192)
    #expect(try search("^a", longest) == .matched)
    #expect(try search("^a", longest + "a") == .gaveUp)
    let matcher = Matcher()
    let expression = try RegularExpression("a")
    #expect(longest.withSpan { expression.search($0, matcher) } == .matched)
    #expect((longest + "a").withSpan { expression.search($0, matcher) } == .gaveUp)
    #expect(matcher.group(0) == nil)
  }

  @Test func `a long path through nested groups needs no deep stack`() throws {
    let path = String(repeating: "/segment", count: 1000)
    #expect(try search("^(?:/([a-z]+))+$", path) == .matched)
  }

  @Test func `the interpreter keeps the limits, too`() throws {
    let interpreted = try RegularExpression("(*NO_JIT)^(a+)+$")
    #expect(!interpreted.isMachineCode)
    let matcher = Matcher()
    let text = String(repeating: "a", count: 64) + "!"
    #expect(text.withSpan { interpreted.search($0, matcher) } == .gaveUp)
    #expect("aaa".withSpan { interpreted.search($0, matcher) } == .matched)
  }

  @Test func `a pattern cannot raise its own limit`() throws {
    let text = String(repeating: "a", count: 64) + "!"
    #expect(try search("(*LIMIT_MATCH=4000000000)^(a+)+$", text) == .gaveUp)
  }

  @Test func `one matcher serves one pattern after another`() throws {
    let matcher = Matcher()
    let first = try RegularExpression("(a)(b)(c)")
    let second = try RegularExpression("x")
    #expect("abc".withSpan { first.search($0, matcher) } == .matched)
    #expect("x".withSpan { second.search($0, matcher) } == .matched)
    #expect(matcher.group(0)?.range == 0..<1)
    #expect(matcher.group(3) == nil)
    #expect("y".withSpan { second.search($0, matcher) } == .noMatch)
    #expect(matcher.group(0) == nil)
  }
}
