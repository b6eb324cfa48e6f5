// Answers of rsp's own: what `respond` and `redirect` say, the pages in place of error answers, and
// those error answers themselves. Each is composed as a server would send it and then passed on as
// a server's response is, so that `response_headers` and variables hold for it, too.
import Bytes
import Configuration
import HTTP
import IO

extension ClientConnection where Stream: ~Copyable {
  /// Answers a request by a response of the configuration.
  ///
  /// - Parameters:
  ///   - route: whose options apply.
  ///   - error: what the response stands in for; its Retry-After and Allow are added.
  func give(
    _ own: OwnResponse, on route: MatchedRoute, for error: ErrorAnswer? = nil
  ) async -> Disposition {
    var raw = worker.buffers.borrow(.large)
    do { try compose(own, for: error, into: &raw) } catch {
      return await sendFallback()
    }
    let keepAlive = error?.keepAlive ?? true
    let body = request.isHead ? [] : own.body
    return await pass(raw, body, on: route, keepAlive: keepAlive)
  }

  /// Answers by an error answer whose fields the route changes.
  func give(changed error: ErrorAnswer, on route: MatchedRoute) async -> Disposition {
    var raw = worker.buffers.borrow(.small)
    do {
      try error.write(to: &raw, unixSeconds: worker.unixSeconds, isHead: request.isHead)
    } catch {
      return await sendFallback()
    }
    return await pass(raw, [], on: route, keepAlive: error.keepAlive)
  }

  /// What is left to say when an answer does not fit in a block.
  private func sendFallback() async -> Disposition {
    await send(
      ErrorAnswer(.internalServerError, "the answer is too large"), isHead: request.isHead)
    return .linger
  }

  /// Writes a response as a server would send it; without the fields of a connection.
  private func compose(
    _ own: OwnResponse, for error: ErrorAnswer?, into raw: inout ByteBuffer
  ) throws(NoRoom) {
    try raw.write(statusLine: own.status)
    guard own.lines.count <= raw.tailroom else { throw NoRoom() }
    raw.append(own.lines)
    if own.mayHaveBody { try raw.write(field: "Content-Length", decimal: UInt64(own.body.count)) }
    if let location = own.location {
      try write(field: "Location", location, .url, to: &raw)
    }
    for field in own.fields { try write(field: field.name, field.value, .text, to: &raw) }
    if let seconds = error?.retryAfter {
      try raw.write(field: "Retry-After", decimal: UInt64(seconds))
    }
    if let allow = error?.allow { try raw.write(field: "Allow", allow) }
    try raw.writeEndOfHead()
  }

  /// Passes a response of our own on; what follows its head in `raw` is its body, or the start of it.
  private func pass(
    _ raw: consuming ByteBuffer, _ body: [UInt8], on route: MatchedRoute, keepAlive: Bool
  ) async -> Disposition {
    var raw = raw
    // The session of an earlier try is no business of this answer.
    turn.cookieLine = []
    borrowResponse()
    var parser = HeadParser(limits: .own)
    let method = request.method
    guard (try? parser.parse(raw.bytes, into: response, requestMethod: method)) == true else {
      return await sendFallback()
    }
    let bodyEnd = endOfReceivedBody
    let persists = keepAlive && mayPersist && bodyEnd != nil
    guard composeResponse(raw.bytes, route, chunked: false, persists: persists) else {
      return await sendFallback()
    }
    var head = worker.buffers.borrow(.large)
    head.append(worker.scratch)
    raw.consume(response.byteCount)
    // An error answer's body: a line.
    if raw.count <= head.tailroom { head.append(raw) }
    guard await send(&head, body, patience: route.options.writeTimeoutMilliseconds) else {
      return .cut
    }
    guard persists, let bodyEnd else { return .linger }
    inputUsed = bodyEnd
    return .persist
  }

  /// Sends a head and the body behind it, which may be larger than any block.
  private func send(
    _ head: inout ByteBuffer, _ body: [UInt8], patience: Int
  ) async -> Bool {
    var position = 0
    while true {
      let count = min(body.count - position, head.tailroom)
      head.append(body.span.extracting(position..<position + count))
      position += count
      let deadline = reactor.now.advanced(by: Int64(patience))
      guard await write(&head, until: deadline) else { return false }
      if position == body.count { return true }
      head.reset()
    }
  }

  /// Where the request ends in the input, if all of it has come; a body that is not read would be
  /// taken for the next request.
  private var endOfReceivedBody: Int? {
    switch request.framing {
    case .none: request.byteCount
    case .length(let n):
      n <= UInt64(input.count - request.byteCount) ? request.byteCount + Int(n) : nil
    case .chunked, .untilClose: nil
    }
  }
}

extension HeadLimits {
  /// For what rsp itself composes: whatever fits in a block.
  fileprivate static let own = HeadLimits(
    head: BlockSize.large.rawValue, line: BlockSize.large.rawValue, fields: 1000)
}
