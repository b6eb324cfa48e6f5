// What the fields of a head say about its framing and its connection, gathered while they are
// parsed. RFC 9112 6 and 9: where two fields contradict each other, the message is refused.

/// The sum of the fields the parser acts on.
struct FieldMeaning: Sendable {
  /// What has been said, of which most heads say little.
  struct Said: OptionSet, Sendable {
    let rawValue: UInt16

    static let host = Said(rawValue: 1 << 0)
    static let contentLength = Said(rawValue: 1 << 1)
    /// The only transfer coding is chunked.
    static let chunked = Said(rawValue: 1 << 2)
    static let otherCoding = Said(rawValue: 1 << 3)
    /// Expect holds 100-continue.
    static let expectsContinue = Said(rawValue: 1 << 4)
    /// Expect holds something else.
    static let expectsOther = Said(rawValue: 1 << 5)
    /// There is an Upgrade field with a value.
    static let upgrade = Said(rawValue: 1 << 6)
    /// There is a Keep-Alive field.
    static let keepAliveField = Said(rawValue: 1 << 7)
    /// Tokens found in Connection.
    static let connectionClose = Said(rawValue: 1 << 8)
    static let connectionKeepAlive = Said(rawValue: 1 << 9)
    static let connectionUpgrade = Said(rawValue: 1 << 10)
    static let connectionNames = Said(rawValue: 1 << 11)

    static let coding: Said = [.chunked, .otherCoding]
  }

  private(set) var said = Said()
  /// How many other names Connection lists.
  private var namedFields: UInt16 = 0
  /// What these fields hold, where there are such.
  private(set) var host = ByteRange.empty
  private(set) var upgrade = ByteRange.empty
  private(set) var keepAlive = ByteRange.empty
  private(set) var contentLength: UInt64 = 0

  func says(_ what: Said) -> Bool { !said.isDisjoint(with: what) }

  /// Takes in one field of those that `HeadParser.Section.acted` names.
  @inline(never)
  mutating func read(
    _ known: FieldName, _ bytes: RawSpan, _ value: ByteRange
  ) throws(RequestError) {
    switch known {
    case .connection: try readConnection(bytes, value)
    case .contentLength: try readContentLength(bytes, value)
    case .transferEncoding: try readTransferEncoding(bytes, value)
    case .host:
      guard !says(.host) else { throw .badRequest(.repeatedHost) }
      guard Authority.isValid(bytes, value.range) else { throw .badRequest(.invalidHost) }
      host = value
      said.insert(.host)
    case .expect:
      readExpect(bytes, value)
    // A second Upgrade field only adds further choices to the first, and none has to be taken.
    case .upgrade:
      if !says(.upgrade), !value.isEmpty { upgrade = value }
      if !value.isEmpty { said.insert(.upgrade) }
    case .keepAlive:
      if !says(.keepAliveField) { keepAlive = value }
      said.insert(.keepAliveField)
    default: break
    }
  }

  @inline(never)
  private mutating func readExpect(_ bytes: RawSpan, _ value: ByteRange) {
    let isContinue = bytes.slice(value).equalsIgnoringCase("100-continue")
    said.insert(isContinue ? .expectsContinue : .expectsOther)
  }

  /// RFC 9112 6.2: digits, one field, one number. Two equal ones are refused as well: what lets
  /// them pass elsewhere is not known here.
  private mutating func readContentLength(
    _ bytes: RawSpan, _ value: ByteRange
  ) throws(RequestError) {
    guard !says(.contentLength) else { throw .badRequest(.repeatedContentLength) }
    // 19 digits cannot overflow 64 bits; leading zeros beyond that have no honest use.
    guard 1...19 ~= value.count else { throw .badRequest(.contentLength) }
    let digits = bytes.piece(from: Int(value.start), to: value.end)
    var length: UInt64 = 0
    for i in 0..<digits.byteCount {
      guard ASCII.isDigit(digits[i]) else { throw .badRequest(.contentLength) }
      length = length &* 10 &+ UInt64(digits[i] &- 0x30)
    }
    guard length <= UInt64(Int64.max) else { throw .badRequest(.contentLength) }
    contentLength = length
    said.insert(.contentLength)
  }

  /// RFC 9112 6.1: a list of codings. Exactly `chunked` is spoken; a well-formed list of others
  /// is 501; chunked twice, with parameters or not last cannot be framed.
  @inline(never)
  private mutating func readTransferEncoding(
    _ bytes: RawSpan, _ value: ByteRange
  ) throws(RequestError) {
    guard !says(.coding) else { throw .badRequest(.repeatedTransferEncoding) }
    if bytes.slice(value).equalsIgnoringCase("chunked") {
      said.insert(.chunked)
      return
    }
    var start = Int(value.start)
    while true {
      var comma = start
      while comma < value.end, bytes[comma] != 0x2c { comma += 1 }
      let item = bytes.trimmingBlanks(start..<comma)
      var tokenEnd = item.lowerBound
      while tokenEnd < item.upperBound, ASCII.token.contains(bytes[tokenEnd]) { tokenEnd += 1 }
      let token = bytes.extracting(item.lowerBound..<tokenEnd)
      let hasParameters = tokenEnd < item.upperBound
      guard token.byteCount > 0 else { throw .badRequest(.transferEncoding) }
      if hasParameters {
        guard ASCII.isBlank(bytes[tokenEnd]) || bytes[tokenEnd] == 0x3b else {  // ;
          throw .badRequest(.transferEncoding)
        }
      }
      if token.equalsIgnoringCase("chunked"), hasParameters || comma < value.end {
        throw .badRequest(.transferEncoding)
      }
      if comma == value.end { break }
      start = comma + 1
    }
    said.insert(.otherCoding)
  }

  /// RFC 9110 7.6.1: a list of options and field names, in which empty elements are ignored.
  @inline(never)
  private mutating func readConnection(
    _ bytes: RawSpan, _ value: ByteRange
  ) throws(RequestError) {
    // The two values nearly every head has; a value holds no control byte, which `isName` asks for.
    let whole = bytes.slice(value)
    if whole.isName("keep-alive") {
      said.insert(.connectionKeepAlive)
      return
    }
    if whole.isName("close") {
      said.insert(.connectionClose)
      return
    }
    var list = TokenList(value.range)
    while true {
      guard let range = try list.next(bytes) else { return }
      let token = bytes.extracting(range)
      if token.isName("close") {
        said.insert(.connectionClose)
      } else if token.isName("keep-alive") {
        said.insert(.connectionKeepAlive)
      } else if token.isName("upgrade") {
        said.insert(.connectionUpgrade)
      } else {
        said.insert(.connectionNames)
        namedFields += 1
        guard namedFields <= HeadLimits.connectionNames else { throw .fieldsTooLarge }
      }
    }
  }

  /// Whether the connection stays open after the message, as far as its fields say.
  func keepsAlive(minorVersion: UInt8) -> Bool {
    !says(.connectionClose) && (minorVersion > 0 || says(.connectionKeepAlive))
  }

  /// Whether Connection names an Upgrade field that there is.
  var asksForUpgrade: Bool { said.isSuperset(of: [.connectionUpgrade, .upgrade]) }

  /// Seconds of `timeout=N` in Keep-Alive; nil if that is not there or not a number.
  func keepAliveTimeout(_ bytes: RawSpan) -> UInt32? {
    var start = Int(keepAlive.start)
    while start < keepAlive.end {
      var comma = start
      while comma < keepAlive.end, bytes[comma] != 0x2c { comma += 1 }
      let item = bytes.trimmingBlanks(start..<comma)
      start = comma + 1
      guard 9...17 ~= item.count,
        bytes.extracting(item).extracting(0..<8)
          .equalsIgnoringCase("timeout=")
      else { continue }
      var seconds: UInt64 = 0
      for i in item.dropFirst(8) {
        guard ASCII.isDigit(bytes[i]) else { return nil }
        seconds = seconds * 10 + UInt64(bytes[i] - 0x30)
      }
      return UInt32(clamping: seconds)
    }
    return nil
  }
}

/// The elements of a comma-separated list of tokens: RFC 9110 5.6.1.
struct TokenList {
  private var rest: Range<Int>

  init(_ range: Range<Int>) { rest = range }

  /// The next element that is not empty; nil at the end.
  mutating func next(_ bytes: RawSpan) throws(RequestError) -> Range<Int>? {
    while !rest.isEmpty {
      var comma = rest.lowerBound
      while comma < rest.upperBound, bytes[comma] != 0x2c { comma += 1 }
      let item = bytes.trimmingBlanks(rest.lowerBound..<comma)
      rest = min(comma + 1, rest.upperBound)..<rest.upperBound
      if item.isEmpty { continue }
      for i in item where !ASCII.token.contains(bytes[i]) { throw .badRequest(.connection) }
      return item
    }
    return nil
  }
}
