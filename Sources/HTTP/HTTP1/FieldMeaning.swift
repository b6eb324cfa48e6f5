// What the fields of a head say about its framing and its connection, gathered while they are
// parsed. RFC 9112 6 and 9: where two fields contradict each other, the message is refused.

/// The sum of the fields the parser acts on.
struct FieldMeaning: Sendable {
  enum Coding: Sendable { case none, chunked, other }

  var host: ByteRange?
  var contentLength: UInt64?
  var coding = Coding.none
  /// Expect holds 100-continue.
  var expectsContinue = false
  /// Expect holds something else.
  var expectsOther = false
  var upgrade: ByteRange?
  var keepAlive: ByteRange?
  /// Tokens found in Connection.
  var saysClose = false
  var saysKeepAlive = false
  var saysUpgrade = false
  /// How many other names Connection lists.
  var namedFields = 0

  /// Takes in one field, for which `known.isRead` holds.
  mutating func read(
    _ known: FieldName, _ bytes: RawSpan, _ value: ByteRange, isRequest: Bool
  ) throws(RequestError) {
    switch known {
    case .connection: try readConnection(bytes, value)
    case .contentLength: try readContentLength(bytes, value)
    case .transferEncoding: try readTransferEncoding(bytes, value)
    case .host where isRequest:
      guard host == nil else { throw .badRequest(.repeatedHost) }
      guard Authority.isValid(bytes, value.range) else { throw .badRequest(.invalidHost) }
      host = value
    case .expect:
      if bytes.slice(value).equalsIgnoringCase("100-continue") {
        expectsContinue = true
      } else {
        expectsOther = true
      }
    // A second Upgrade field only adds further choices to the first, and none has to be taken.
    case .upgrade: if upgrade == nil, !value.isEmpty { upgrade = value }
    case .keepAlive: if keepAlive == nil { keepAlive = value }
    default: break
    }
  }

  /// RFC 9112 6.2: digits, one field, one number. Two equal ones are refused as well: what lets
  /// them pass elsewhere is not known here.
  private mutating func readContentLength(
    _ bytes: RawSpan, _ value: ByteRange
  ) throws(RequestError) {
    guard contentLength == nil else { throw .badRequest(.repeatedContentLength) }
    // 19 digits cannot overflow 64 bits; leading zeros beyond that have no honest use.
    guard 1...19 ~= value.count else { throw .badRequest(.contentLength) }
    var length: UInt64 = 0
    for i in value.range {
      guard ASCII.isDigit(bytes[i]) else { throw .badRequest(.contentLength) }
      length = length &* 10 &+ UInt64(bytes[i] &- 0x30)
    }
    guard length <= UInt64(Int64.max) else { throw .badRequest(.contentLength) }
    contentLength = length
  }

  /// RFC 9112 6.1: a list of codings. Exactly `chunked` is spoken; a well-formed list of others
  /// is 501; chunked twice, with parameters or not last cannot be framed.
  private mutating func readTransferEncoding(
    _ bytes: RawSpan, _ value: ByteRange
  ) throws(RequestError) {
    guard coding == .none else { throw .badRequest(.repeatedTransferEncoding) }
    if bytes.slice(value).equalsIgnoringCase("chunked") {
      coding = .chunked
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
    coding = .other
  }

  /// RFC 9110 7.6.1: a list of options and field names, in which empty elements are ignored.
  private mutating func readConnection(
    _ bytes: RawSpan, _ value: ByteRange
  ) throws(RequestError) {
    // The two values nearly every head has; a value holds no control byte, which `isName` asks for.
    let whole = bytes.slice(value)
    if whole.isName("keep-alive") {
      saysKeepAlive = true
      return
    }
    if whole.isName("close") {
      saysClose = true
      return
    }
    var list = TokenList(value.range)
    while true {
      guard let range = try list.next(bytes) else { return }
      let token = bytes.extracting(range)
      if token.isName("close") {
        saysClose = true
      } else if token.isName("keep-alive") {
        saysKeepAlive = true
      } else if token.isName("upgrade") {
        saysUpgrade = true
      } else {
        namedFields += 1
        guard namedFields <= HeadLimits.connectionNames else { throw .fieldsTooLarge }
      }
    }
  }

  /// Whether the connection stays open after the message, as far as its fields say.
  func keepsAlive(minorVersion: UInt8) -> Bool {
    !saysClose && (minorVersion > 0 || saysKeepAlive)
  }

  /// Seconds of `timeout=N` in Keep-Alive; nil if that is not there or not a number.
  func keepAliveTimeout(_ bytes: RawSpan) -> UInt32? {
    guard let keepAlive else { return nil }
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
