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

  /// Parses the response to a request, if its head has come in one piece.
  @inline(__always)
  borrowing func parseWhole(_ bytes: RawSpan, _ method: Method) throws(ResponseError) -> Bool {
    try HeadParser.parseWhole(bytes, into: head, requestMethod: method)
  }

  /// Parses what has come of the response to a request.
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
  /// Parses what has come of a request. Nearly all heads come in one piece; a parser is kept only for
  /// one that does not, which begins again then.
  @inline(never)
  func parseRequest() throws(RequestError) -> Bool {
    try input.withBytes { bytes throws(RequestError) in
      if let begun = requestParser {
        guard try begun.parser.parse(bytes, into: request) else { return false }
        requestParser = nil
        return true
      }
      let limits = listener.headLimits
      if try HeadParser.parseWhole(bytes, limits: limits, into: request) { return true }
      let begun = HeadInProgress(HeadParser(limits: limits))
      _ = try begun.parser.parse(bytes, into: request)
      requestParser = begun
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
    if try lent.parseWhole(bytes, method) { return true }
    let begun = HeadInProgress(HeadParser(limits: .response))
    _ = try lent.parse(bytes, &begun.parser, method)
    responseParser = begun
    return false
  }
}
