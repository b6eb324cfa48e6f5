// One attempt to have a request answered by one server: send the head, relay the body, and wait for
// a response head while the body is still on its way, because a server may answer early.
import Bytes
import Configuration
import HTTP
import IO
import Telemetry

/// An attempt in progress. Worker-confined, lives on its task's stack.
struct Attempt<Server: ServerStream & ~Copyable>: ~Copyable {
  /// Nil once it has been given back to its pool or given up.
  var server: ServerConnection<Server>?
  let pool: ServerPool<Server>
  let route: RoutePlan
  /// The request's body on its way to the server, its head before it.
  var upload: BodyRelay
  /// What has come of the response and was not passed on yet.
  var received = ByteBuffer()
  let startedAt: Moment
  /// How much of the client's input the request took, head and body.
  var inputUsed: Int
  /// The client has closed its side but left requests to be answered.
  var ignoresHangup = false
  /// The server stopped taking the request's body; only its response matters now.
  var uploadFailed = false

  var uploadIsDone: Bool { uploadFailed || upload.isFinished }
}

extension ClientConnection where Stream: ~Copyable {
  /// Whether the request could be sent again: all of it that was sent is still here.
  var canReplay: Bool { !hasReadBody }

  /// Sends the request to `server` and passes the response on.
  func attempt<Server: ServerStream & ~Copyable>(
    with server: ServerConnection<Server>, from pool: ServerPool<Server>, _ route: RoutePlan,
    _ target: ForwardTarget
  ) async -> AttemptOutcome {
    var attempt: Attempt<Server>
    do { attempt = try begin(with: server, from: pool, route, target) } catch {
      return .failed(error)
    }
    do {
      try await awaitResponse(&attempt)
    } catch {
      hasReadBody = attempt.upload.hasReadSource
      return .failed(error)
    }
    do {
      let disposition =
        heads.response.status == 101
        ? try await tunnel(&attempt) : try await passResponse(&attempt)
      endInput(&attempt)
      return .done(disposition)
    } catch {
      return .failed(error)
    }
  }

  /// Composes the request's head, with the part of its body that has come already behind it.
  private func begin<Server: ServerStream & ~Copyable>(
    with server: ServerConnection<Server>, from pool: ServerPool<Server>, _ route: RoutePlan,
    _ target: ForwardTarget
  ) throws(AttemptFailure) -> Attempt<Server> {
    hasReadBody = false
    let limit = route.options.maxBody.map(UInt64.init) ?? .max
    var upload = BodyRelay(
      request.framing, chunkedOutput: request.framing == .chunked, highWater: 65536,
      limit: limit, worker)
    guard let head = composeRequest(for: route, target, keepsServer: pool.keepsConnections) else {
      throw .badBody
    }
    upload.output.append(head)
    let inputUsed = try beginBody(&upload)
    return Attempt(
      server: server, pool: pool, route: route, upload: upload, startedAt: reactor.now,
      inputUsed: inputUsed)
  }

  /// Copies what has come of the body behind the head: the input stays, so that the request can be
  /// sent again.
  ///
  /// - Returns: how many bytes of input the request takes.
  private func beginBody(_ upload: inout BodyRelay) throws(AttemptFailure) -> Int {
    let head = request.byteCount
    guard !upload.isInputEnded, input.count > head else { return head }
    var most = input.count - head
    if case .length(let n) = request.framing { most = Int(clamping: min(n, UInt64(most))) }
    var block = worker.buffers.borrow(.large)
    block.reset(headroom: BodyRelay.headroom)
    block.append(input, head..<head + most)
    do { try upload.take(&block) } catch {
      throw error == .tooLarge ? .bodyTooLarge : .badBody
    }
    upload.output.append(block)
    let behind = upload.surplus.count
    upload.surplus = ByteBuffer()
    return head + most - behind
  }

  /// Takes the request out of the input; what is left there is the next one.
  private func endInput<Server: ServerStream & ~Copyable>(_ attempt: inout Attempt<Server>) {
    input.consume(min(attempt.inputUsed, input.count))
    guard !attempt.upload.surplus.isEmpty else { return }
    // The body's end was received with the beginning of the next request.
    swap(&input, &attempt.upload.surplus)
  }

  // MARK: Until there is a response head

  /// Relays the request and reads until a final response head, or 101, is in `heads.response`.
  private func awaitResponse<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>
  ) async throws(AttemptFailure) {
    var parser = HeadParser(limits: .response)
    var interim = 0
    while true {
      let again = try pumpUpload(&attempt)
      while try readResponse(&attempt, &parser) {
        let status = heads.response.status
        if status >= 200 { return }
        if status == 101 {
          guard request.upgrade != nil else { throw .invalidResponse("101 without Upgrade") }
          return
        }
        interim += 1
        guard interim <= Self.interimLimit else { throw .invalidResponse("too many 1xx") }
        try await passInterim(&attempt)
      }
      if again {
        await reactor.yield()
      } else {
        try await wait(&attempt)
      }
    }
  }

  /// How many 1xx responses one request may get.
  private static var interimLimit: Int { 64 }

  /// Moves what can be moved of the request. True if more may move at once.
  func pumpUpload<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>
  ) throws(AttemptFailure) -> Bool {
    guard !attempt.uploadIsDone, let server = attempt.server else { return false }
    do {
      guard case .again = try attempt.upload.pump(from: &stream, to: &server.stream) else {
        return false
      }
      return true
    } catch {
      switch error {
      case .sourceBroken: throw .clientGone
      case .sourceMalformed: throw .badBody
      case .tooLarge: throw .bodyTooLarge
      case .sinkBroken:
        // It may have answered before it closed: a 413, say.
        attempt.uploadFailed = true
        reactor.assume(server.stream.descriptor, .read)
        return false
      }
    }
  }

  /// Reads and parses. True when `heads.response` holds a head; its bytes are still in `received`,
  /// at its front.
  private func readResponse<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>, _ parser: inout HeadParser
  ) throws(AttemptFailure) -> Bool {
    guard let server = attempt.server else { throw .serverGone(wasReset: false) }
    while true {
      if !attempt.received.isEmpty {
        do {
          let method = request.method
          if try parser.parse(attempt.received.bytes, into: heads.response, requestMethod: method) {
            return true
          }
        } catch {
          throw .invalidResponse(error.description)
        }
      }
      guard server.stream.mayRead else { return false }
      if !attempt.received.hasBlock {
        attempt.received = worker.buffers.borrow(.large)
        attempt.received.reset(headroom: Self.responseHeadroom)
      }
      let room = attempt.received.tailroom - BodyRelay.tailReserve
      guard room > 0 else { throw .invalidResponse("the head is too large") }
      switch server.stream.read(into: &attempt.received, limit: room) {
      case .moved:
        continue
      case .blocked:
        if attempt.received.isEmpty { attempt.received = ByteBuffer() }
        return false
      case .ended:
        guard attempt.received.isEmpty else { throw .invalidResponse("the head is incomplete") }
        throw .serverGone(wasReset: false)
      case .failed:
        guard attempt.received.isEmpty else { throw .invalidResponse("the head is incomplete") }
        throw .serverGone(wasReset: true)
      }
    }
  }

  /// Room before a response for the fields that are added to its head.
  private static var responseHeadroom: Int { 1024 }

  private func wait<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>
  ) async throws(AttemptFailure) {
    guard let server = attempt.server else { throw .serverGone(wasReset: false) }
    let options = attempt.route.options
    var interests = Interests(server.stream.readInterest)
    var deadline = attempt.responseDeadline
    if !attempt.uploadIsDone {
      if attempt.upload.wantsInput {
        interests.insert(stream.readInterest)
        deadline = min(deadline, attempt.bodyDeadline)
      }
      if attempt.upload.hasOutput {
        interests.insert(server.stream.writeInterest)
        deadline = min(deadline, attempt.writeDeadline)
      }
    }
    // While a body is to come, its end tells that the client has gone.
    if attempt.uploadIsDone, !attempt.ignoresHangup { interests.insert(stream.hangupInterest) }
    let wake = await reactor.wait(for: interests, until: deadline)
    try noticeHangup(&attempt)
    if case .deadline = wake, reactor.now >= deadline {
      if attempt.uploadIsDone || reactor.now >= attempt.responseDeadline { throw .responseTimeout }
      throw attempt.upload.hasOutput ? .serverStalled : .bodyTimeout
    }
    if !attempt.uploadIsDone,
      attempt.upload.isTooSlow(options.minBodyRate, since: attempt.startedAt)
    {
      throw .bodyTimeout
    }
  }

  /// A client that has closed its side has gone, unless it left requests that are not read yet:
  /// one that pipelines and then closes its side wants its answers (docs/decisions/0002).
  func noticeHangup<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>
  ) throws(AttemptFailure) {
    guard stream.isHungUp, !attempt.ignoresHangup, attempt.uploadIsDone else { return }
    guard input.count > attempt.inputUsed || stream.hasUnreadBytes() else { throw .clientGone }
    attempt.ignoresHangup = true
  }
}

extension Attempt where Server: ~Copyable {
  /// A response head is waited for since the request went out, or last moved.
  var responseDeadline: Moment {
    guard uploadIsDone else { return .never }
    return upload.lastProgress.advanced(by: Int64(route.options.responseTimeoutMilliseconds))
  }

  var bodyDeadline: Moment {
    upload.lastProgress.advanced(by: Int64(route.options.bodyTimeoutMilliseconds))
  }

  var writeDeadline: Moment {
    upload.lastProgress.advanced(by: Int64(route.options.writeTimeoutMilliseconds))
  }
}
