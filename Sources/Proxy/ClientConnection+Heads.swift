// Parsing the heads of a connection's messages, in memory that stays in the processor's cache: what is
// needed only until the next wait is shared by all connections of the worker.
import Bytes
import HTTP

/// The head of the response in progress. Not copyable, so that what is done with it is done where it
/// lies, and counts no reference.
struct LentHead: ~Copyable {
  /// The worker's empty one while there is no response.
  fileprivate(set) var head: ResponseHead

  init(_ head: ResponseHead) { self.head = head }

  /// Parses what has come of the response to a request; nil if that is all of its head.
  @inline(__always)
  borrowing func parse(
    _ bytes: RawSpan, _ method: Method
  ) throws(ResponseError) -> HeadParser? {
    try HeadParser.parse(bytes, into: head, requestMethod: method)
  }

  /// The same, where a parser has begun. True if the head is complete.
  @inline(__always)
  borrowing func parse(
    _ bytes: RawSpan, _ parser: inout HeadParser, _ method: Method
  ) throws(ResponseError) -> Bool {
    try parser.parse(bytes, into: head, requestMethod: method)
  }
}

/// The parser of a head that has come in part.
final class HeadInProgress {
  var parser: HeadParser
  init(_ parser: HeadParser) { self.parser = parser }
}

extension ClientConnection where Stream: ~Copyable {
  /// Parses what has come of a request. Nearly all heads come in one piece, so a parser is made for
  /// each, in memory that is in use anyway, and kept only where it has to go on.
  @inline(never)
  func parseRequest() throws(RequestError) -> Bool {
    try input.withBytes { bytes throws(RequestError) in
      if let begun = requestParser {
        guard try begun.parser.parse(bytes, into: request) else { return false }
        requestParser = nil
        return true
      }
      let unfinished = try HeadParser.parse(bytes, limits: listener.headLimits, into: request)
      guard let parser = unfinished else { return true }
      requestParser = HeadInProgress(parser)
      return false
    }
  }

  /// Makes sure that the connection has a response to parse into. It has one only while a response is
  /// passed on: whatever takes no wait then uses the same one, which is in the cache.
  func borrowResponse() {
    worker.lendResponse(to: &lent.head)
  }

  func giveBackResponse() {
    worker.takeBackResponse(from: &lent.head)
    if responseParser != nil { responseParser = nil }
  }

  /// Parses what has come of a response, as `parseRequest` does.
  func parseResponse(_ bytes: RawSpan) throws(ResponseError) -> Bool {
    let method = request.method
    if let begun = responseParser {
      guard try lent.parse(bytes, &begun.parser, method) else { return false }
      responseParser = nil
      return true
    }
    guard let parser = try lent.parse(bytes, method) else { return true }
    responseParser = HeadInProgress(parser)
    return false
  }
}
