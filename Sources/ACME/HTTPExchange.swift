// One request and its answer on a connection that serves nothing else: an authority is asked a few
// times in two months, so nothing is kept open.
import Bytes
import HTTP
import IO

/// What is asked of an authority.
struct HTTPRequest {
  var method: HTTP.Method
  var url: AuthorityURL
  /// A signed request (RFC 8555 6.2); empty for GET and HEAD.
  var body: [UInt8] = []
}

/// What is read of an authority's answer.
struct HTTPAnswer {
  var status: Int
  /// Replay-Nonce, RFC 8555 6.5.
  var nonce: String?
  var location: String?
  /// Seconds; nil where it is a date.
  var retryAfter: Int?
  var body: [UInt8] = []

  var isSuccess: Bool { (200..<300).contains(status) }
}

/// A request on its way. Loop-confined; its connection is closed when it ends.
struct HTTPExchange<Stream: ByteStream & ~Copyable>: ~Copyable {
  /// Bytes of a body: a chain of certificates has about 5,000.
  static var mostBytes: Int { 256 * 1024 }
  static var mostInterims: Int { 4 }

  private var stream: Stream
  private var buffer: ByteBuffer
  private let reactor: Reactor
  private let host: String
  private let deadline: Moment

  init(
    _ stream: consuming Stream, _ buffer: consuming ByteBuffer, on reactor: Reactor, host: String,
    until deadline: Moment
  ) {
    self.stream = stream
    self.buffer = buffer
    self.reactor = reactor
    self.host = host
    self.deadline = deadline
  }

  /// Sends the request and receives its answer.
  mutating func run(_ request: HTTPRequest) async throws(ACMEError) -> HTTPAnswer {
    try await send(request)
    let head = try await receiveHead(answering: request.method)
    var answer = HTTPAnswer(status: Int(head.status))
    for field in head.fields {
      switch field.known {
      case .location: answer.location = buffer.bytes.string(field.value)
      case .retryAfter: answer.retryAfter = UInt32(buffer.bytes.string(field.value)).map(Int.init)
      case .other where buffer.bytes.slice(field.name).equalsIgnoringCase("replay-nonce"):
        answer.nonce = buffer.bytes.string(field.value)
      default: break
      }
    }
    buffer.consume(head.byteCount)
    answer.body = try await receiveBody(head.framing)
    return answer
  }

  // MARK: Sending

  private mutating func send(_ request: HTTPRequest) async throws(ACMEError) {
    var head = """
      \("\(request.method)".uppercased()) \(request.url.target) HTTP/1.1\r
      Host: \(request.url.authority)\r
      User-Agent: rsp\r
      Accept-Language: en\r
      Connection: close\r

      """
    if !request.body.isEmpty {
      head += "Content-Type: application/jose+json\r\nContent-Length: \(request.body.count)\r\n"
    }
    head += "\r\n"
    guard head.utf8.count + request.body.count <= buffer.tailroom else {
      throw .malformed("directory")
    }
    buffer.append(head)
    buffer.append(request.body)
    while !buffer.isEmpty {
      switch stream.write(from: &buffer, more: false) {
      case .moved: continue
      case .blocked: try await wait(for: stream.writeInterest)
      case .ended: throw broken
      // An answer may have come before the connection broke.
      case .failed: buffer.reset()
      }
    }
    buffer.reset()
  }

  // MARK: Receiving

  /// The final response's head; `buffer` begins with it.
  private mutating func receiveHead(
    answering method: HTTP.Method
  ) async throws(ACMEError) -> ResponseHead {
    let head = ResponseHead()
    var parser = HeadParser(limits: .response)
    var interims = 0
    while interims <= Self.mostInterims {
      let isComplete: Bool
      do {
        isComplete = try parser.parse(buffer.bytes, into: head, requestMethod: method)
      } catch {
        throw .malformed("HTTP response")
      }
      if isComplete {
        guard (100..<200).contains(head.status), head.status != 101 else { return head }
        interims += 1
        buffer.consume(head.byteCount)
      } else {
        buffer.compact()
        guard try await receive() else { throw broken }
      }
    }
    throw .malformed("HTTP response")
  }

  private mutating func receiveBody(_ framing: BodyFraming) async throws(ACMEError) -> [UInt8] {
    var body: [UInt8] = []
    var rest = UInt64(Self.mostBytes + 1)
    var decoder: ChunkedDecoder?
    switch framing {
    case .none: return []
    case .length(let count): rest = min(rest, count)
    case .chunked: decoder = ChunkedDecoder()
    case .untilClose: break
    }
    while true {
      if decoder == nil {
        let count = Int(min(rest, UInt64(buffer.count)))
        buffer.bytes.extracting(first: count).copy(to: &body)
        rest -= UInt64(count)
        buffer.reset()
        if rest == 0, framing != .untilClose { break }
      } else if try unchunk(&decoder, into: &body) {
        break
      }
      if body.count > Self.mostBytes { break }
      if try await receive() { continue }
      guard framing == .untilClose else { throw broken }
      break
    }
    guard body.count <= Self.mostBytes else { throw .malformed("HTTP response") }
    return body
  }

  /// Takes the data out of the chunks that have come.
  ///
  /// - Returns: whether the body is complete.
  private mutating func unchunk(
    _ decoder: inout ChunkedDecoder?, into body: inout [UInt8]
  ) throws(ACMEError) -> Bool {
    var position = 0
    while body.count <= Self.mostBytes {
      do {
        switch try decoder?.next(buffer.bytes, from: &position) {
        case .data(let range): buffer.bytes.extracting(range).copy(to: &body)
        case .end, nil: return true
        case .needMore:
          buffer.consume(position)
          buffer.compact()
          return false
        }
      } catch {
        throw .malformed("HTTP response")
      }
    }
    return true
  }

  // MARK: Waiting

  /// - Returns: false at the end of the stream.
  private mutating func receive() async throws(ACMEError) -> Bool {
    guard buffer.tailroom > 0 else { throw .malformed("HTTP response") }
    while true {
      switch stream.read(into: &buffer, limit: buffer.tailroom) {
      case .moved: return true
      case .ended: return false
      case .failed: throw broken
      case .blocked: try await wait(for: stream.readInterest)
      }
    }
  }

  private func wait(for interest: Interest) async throws(ACMEError) {
    guard case .ready = await reactor.wait(for: interest, until: deadline),
      reactor.now < deadline
    else { throw .timedOut(host: host) }
  }

  private var broken: ACMEError {
    .connection(host: host, reason: "it closed before its answer was complete")
  }
}

extension RawSpan {
  /// Appends the bytes to an array.
  fileprivate func copy(to bytes: inout [UInt8]) {
    bytes.reserveCapacity(bytes.count + byteCount)
    for offset in byteOffsets { bytes.append(self[offset]) }
  }
}
