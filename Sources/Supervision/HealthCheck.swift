// One check of one server, from the connect to the verdict: a small HTTP client that asks for one
// thing, believes nothing, and is done within the check's timeout.
import Bytes
import Configuration
import HTTP
import IO
import Proxy
import Routing
import TLS

/// Why a server did not pass a check.
package enum CheckFailure: Error, Equatable, Sendable, CustomStringConvertible {
  /// A call to the system says no; most often "connection refused".
  case system(SystemError)
  /// TLS, in OpenSSL's words.
  case insecure(String)
  case timedOut
  /// The server closed before its answer was complete.
  case closedEarly
  /// What came is no HTTP response.
  case malformed
  case status(Int)
  /// The body does not hold the pattern.
  case noMatch
  /// Nobody knows whether it does: the search took too long.
  case patternTooCostly

  /// For the log: completes `the last: `.
  package var description: String {
    switch self {
    case .system(let error):
      error.description.prefix(1).lowercased() + error.description.dropFirst()
    case .insecure(let words): "TLS: \(words)"
    case .timedOut: "timed out"
    case .closedEarly: "closed before the answer was complete"
    case .malformed: "no HTTP response"
    case .status(let status): "status \(status)"
    case .noMatch: "the body does not match"
    case .patternTooCostly: "the pattern is too costly for this body"
    }
  }
}

/// A check under way. A body is searched as far as it fits into one large block: 64 KiB.
/// Loop-confined; its connection is closed when it ends.
struct HealthCheck<Stream: ByteStream & ~Copyable>: ~Copyable {
  private var stream: Stream
  private var buffer: ByteBuffer
  private let reactor: Reactor
  private let deadline: Moment

  init(
    _ stream: consuming Stream, _ buffers: BufferPool, _ reactor: Reactor, _ deadline: Moment
  ) {
    self.stream = stream
    buffer = buffers.borrow(.large)
    self.reactor = reactor
    self.deadline = deadline
  }

  /// Makes the check over a connection that stands.
  consuming func perform(
    _ target: CheckTarget, _ buffers: BufferPool
  ) async throws(CheckFailure) {
    guard case .http(let check) = target.options.kind else { return }
    try await send(check, to: target)
    let head = try await receiveHead(answering: check.method == "HEAD" ? .head : .get)
    let status = Int(head.status)
    guard check.expectedStatus.contains(where: { $0.contains(status) }) else {
      throw .status(status)
    }
    guard let pattern = check.bodyPattern else { return }
    buffer.consume(head.byteCount)
    var body = buffers.borrow(.large)
    try await receiveBody(head.framing, into: &body)
    try Self.search(body.bytes, for: pattern)
  }

  // MARK: The exchange

  private mutating func send(_ check: HTTPCheck, to target: CheckTarget) async throws(CheckFailure)
  {
    let request = """
      \(check.method) \(check.path) HTTP/1.1\r
      Host: \(check.host ?? target.authority)\r
      User-Agent: rsp health check\r
      Connection: close\r\n\r\n
      """
    guard request.utf8.count <= buffer.tailroom else { throw .malformed }
    buffer.append(request)
    while !buffer.isEmpty {
      switch stream.write(from: &buffer, more: false) {
      case .moved: continue
      case .blocked: try await wait(for: stream.writeInterest)
      case .ended: throw .closedEarly
      // An answer may have come before the connection broke, such as a 400 to a part of a request.
      case .failed: buffer.reset()
      }
    }
    buffer.reset()
  }

  /// The final response's head; `buffer` begins with it.
  private mutating func receiveHead(
    answering method: Method
  ) async throws(CheckFailure) -> ResponseHead {
    let head = ResponseHead()
    var parser = HeadParser(limits: .response)
    var interims = 0
    while interims <= HealthCheckLimits.interim {
      let isComplete: Bool
      do {
        isComplete = try parser.parse(buffer.bytes, into: head, requestMethod: method)
      } catch {
        throw .malformed
      }
      if isComplete {
        // 101 would be the end of HTTP on this connection, and nobody asked for it.
        guard (100..<200).contains(head.status), head.status != 101 else { return head }
        interims += 1
        buffer.consume(head.byteCount)
      } else {
        buffer.compact()
        guard try await receive() else { throw .closedEarly }
      }
    }
    throw .malformed
  }

  /// Puts the body's data, or as much of it as there is room for, into `body`.
  private mutating func receiveBody(
    _ framing: BodyFraming, into body: inout ByteBuffer
  ) async throws(CheckFailure) {
    var length = body.tailroom
    var decoder: ChunkedDecoder?
    switch framing {
    case .none: return
    case .length(let count): length = Int(min(count, UInt64(length)))
    case .chunked: decoder = ChunkedDecoder()
    case .untilClose: break
    }
    while true {
      if decoder == nil {
        body.append(buffer.bytes.extracting(first: length - body.count))
        buffer.reset()
      } else if try unchunk(&decoder, into: &body) {
        return
      }
      if body.count >= length { return }
      if try await receive() { continue }
      guard framing == .untilClose else { throw .closedEarly }
      return
    }
  }

  /// Takes the data out of the chunks that have come.
  ///
  /// - Returns: whether the body is complete, or `body` full.
  private mutating func unchunk(
    _ decoder: inout ChunkedDecoder?, into body: inout ByteBuffer
  ) throws(CheckFailure) -> Bool {
    var position = 0
    while body.tailroom > 0 {
      do {
        switch try decoder?.next(buffer.bytes, from: &position) {
        case .data(let range):
          body.append(buffer.bytes.extracting(range).extracting(first: body.tailroom))
        case .end, nil: return true
        case .needMore:
          buffer.consume(position)
          buffer.compact()
          return false
        }
      } catch {
        throw .malformed
      }
    }
    return true
  }

  private static func search(
    _ body: RawSpan, for pattern: BodyPattern
  ) throws(CheckFailure) {
    var limits = RegularExpression.Limits()
    limits.subject = BlockSize.large.rawValue
    let matcher = Matcher(limits: limits)
    switch pattern.expression.search(body, matcher) {
    case .matched: return
    case .noMatch: throw .noMatch
    case .gaveUp: throw .patternTooCostly
    }
  }

  // MARK: Waiting

  /// - Returns: false at the end of the stream.
  private mutating func receive() async throws(CheckFailure) -> Bool {
    while true {
      switch stream.read(into: &buffer, limit: buffer.tailroom) {
      case .moved: return true
      case .ended: return false
      case .failed(let error): throw .system(error)
      case .blocked: try await wait(for: stream.readInterest)
      }
    }
  }

  private func wait(for interest: Interest) async throws(CheckFailure) {
    guard case .ready = await reactor.wait(for: interest, until: deadline),
      reactor.now < deadline
    else { throw .timedOut }
  }
}

/// Of any check.
enum HealthCheckLimits {
  /// 1xx responses that may come before the final one.
  static let interim = 8
}

extension HealthCheck where Stream == TCPStream {
  /// Checks a server.
  ///
  /// - Throws: why it did not pass; at the deadline `.timedOut`.
  static func run(
    _ target: CheckTarget, on reactor: Reactor, _ buffers: BufferPool, until deadline: Moment
  ) async throws(CheckFailure) {
    var stream = try await connect(to: target.checkAddress, on: reactor, until: deadline)
    if let version = target.proxyProtocol {
      // The connection is rsp's own, and speaks for no client.
      do throws(ConnectError) {
        try stream.begin(with: version.ownHeader, more: false)
      } catch {
        throw CheckFailure(error)
      }
    }
    guard target.member.isTLS else {
      return try await HealthCheck(stream, buffers, reactor, deadline).perform(target, buffers)
    }
    guard let security = target.security else { throw .insecure("not configured") }
    let secure: TLSStream
    do throws(TLSFailure) {
      secure = try await security.connect(
        stream, to: target.provenName(security), on: reactor, buffers, until: deadline)
    } catch {
      if case .timedOut = error { throw .timedOut }
      throw .insecure(error.description)
    }
    try await HealthCheck<TLSStream>(secure, buffers, reactor, deadline).perform(target, buffers)
  }

  private static func connect(
    to address: SocketAddress, on reactor: Reactor, until deadline: Moment
  ) async throws(CheckFailure) -> TCPStream {
    do throws(ConnectError) {
      return try await TCPStream.connect(to: address, on: reactor, until: deadline)
    } catch {
      throw CheckFailure(error)
    }
  }
}

extension CheckFailure {
  fileprivate init(_ error: ConnectError) {
    switch error {
    case .failed(let error): self = .system(error)
    case .insecure(let failure): self = .insecure(failure.description)
    case .timedOut, .noAddress: self = .timedOut
    }
  }
}

extension CheckTarget {
  /// Where the check connects to: the server, or another port of its machine.
  var checkAddress: SocketAddress {
    options.port.map { member.address.with(port: $0) } ?? member.address
  }

  /// What the Host field says when the configuration does not: the server as it is configured.
  var authority: String {
    (try? ServerAddress(member.name))?.authority ?? member.address.description
  }

  /// The name that a server of TLS has to prove: as for requests, if the check were one.
  func provenName(_ security: ServerSecurity) -> String {
    if let name = security.options.serverName { return security.name(of: name) }
    if case .http(let check) = options.kind, let host = check.host {
      return security.name(of: host)
    }
    return security.name(of: authority)
  }
}
