// Feeding the parsers in every way a network can: whole, byte by byte, and cut in two at every
// place. All of them must give the same result, which is what the helpers return.
import Bytes
import Testing

@testable import HTTP

/// What became of a message.
enum Outcome<Failure: Error & Equatable & Sendable>: Equatable, Sendable {
  case head(String)
  case needMore
  case refused(Failure)
}

/// Parses a request in every way of cutting it, and describes the head.
func request(
  _ text: String, limits: HeadLimits = .request, _ location: SourceLocation = #_sourceLocation
) -> Outcome<RequestError> {
  everyCut(Array(text.utf8), location) { bytes, cuts in
    var parser = HeadParser(limits: limits)
    let head = RequestHead()
    do throws(RequestError) {
      for cut in cuts {
        let part = unsafe bytes.span.extracting(0..<cut).bytes
        if try parser.parse(part, into: head) { return .head(describe(head, bytes)) }
      }
      return .needMore
    } catch {
      return .refused(error)
    }
  }
}

/// Parses a response in every way of cutting it, and describes the head.
func response(
  _ text: String, to method: HTTP.Method = .get, limits: HeadLimits = .response,
  _ location: SourceLocation = #_sourceLocation
) -> Outcome<ResponseError> {
  everyCut(Array(text.utf8), location) { bytes, cuts in
    var parser = HeadParser(limits: limits)
    let head = ResponseHead()
    do throws(ResponseError) {
      for cut in cuts {
        let part = unsafe bytes.span.extracting(0..<cut).bytes
        if try parser.parse(part, into: head, requestMethod: method) {
          return .head(describe(head, bytes))
        }
      }
      return .needMore
    } catch {
      return .refused(error)
    }
  }
}

/// Runs `parse` on the whole, on every prefix in turn, and on every pair of a prefix and the whole.
func everyCut<Result: Equatable>(
  _ bytes: [UInt8], _ location: SourceLocation, _ parse: ([UInt8], [Int]) -> Result
) -> Result {
  let whole = parse(bytes, [bytes.count])
  let byByte = parse(bytes, Array(0...bytes.count))
  #expect(byByte == whole, "fed byte by byte", sourceLocation: location)
  // Long messages are cut at some places only: at the ends of lines things happen.
  for cut in 0..<bytes.count where bytes.count < 1500 || cut % 997 < 3 {
    let inTwo = parse(bytes, [cut, bytes.count])
    #expect(inTwo == whole, "cut at \(cut)", sourceLocation: location)
  }
  return whole
}

/// A request that is complete, parsed whole, with its bytes; for a look at single properties.
func parsed(_ text: String) throws -> (RequestHead, [UInt8]) {
  let bytes = Array(text.utf8)
  let head = RequestHead()
  var parser = HeadParser(limits: .request)
  let isComplete = try parser.parse(unsafe bytes.span.bytes, into: head)
  try #require(isComplete)
  return (head, bytes)
}

/// A response that is complete, parsed whole.
func parsedResponse(
  _ text: String, to method: HTTP.Method = .get
) throws -> (ResponseHead, [UInt8]) {
  let bytes = Array(text.utf8)
  let head = ResponseHead()
  var parser = HeadParser(limits: .response)
  let isComplete = try parser.parse(unsafe bytes.span.bytes, into: head, requestMethod: method)
  try #require(isComplete)
  return (head, bytes)
}

func text(_ bytes: [UInt8], _ range: ByteRange) -> String { unsafe bytes.span.bytes.string(range) }

private func describe(_ head: RequestHead, _ bytes: [UInt8]) -> String {
  let upgrade = head.upgrade.map { text(bytes, $0) } ?? "-"
  return """
    \(head.method) \(text(bytes, head.methodRange)) \(text(bytes, head.target)) \(head.form) \
    \(text(bytes, head.authority)) \(text(bytes, head.host)) \(text(bytes, head.path)) \
    \(text(bytes, head.query)) \(head.hasQuery) 1.\(head.minorVersion) \(head.framing) \
    \(head.keepAlive) \(head.expectsContinue) \(upgrade) \(head.byteCount)
    \(describe(head.fields, bytes))
    """
}

private func describe(_ head: ResponseHead, _ bytes: [UInt8]) -> String {
  let upgrade = head.upgrade.map { text(bytes, $0) } ?? "-"
  return """
    \(head.status) \(text(bytes, head.reason)) 1.\(head.minorVersion) \(head.framing) \
    \(head.keepAlive) \(upgrade) \(head.keepAliveTimeout ?? 0) \(head.byteCount)
    \(describe(head.fields, bytes))
    """
}

func describe(_ fields: FieldLines, _ bytes: [UInt8]) -> String {
  fields.map { field in
    "\(text(bytes, field.name))=\(text(bytes, field.value))/\(field.known)/\(field.flags.rawValue)"
  }.joined(separator: "\n")
}

/// What `write` puts into a buffer.
func written(_ write: (inout ByteBuffer) throws -> Void) rethrows -> String {
  let pool = BufferPool()
  var buffer = pool.borrow(.small)
  try write(&buffer)
  return buffer.bytes.string()
}
