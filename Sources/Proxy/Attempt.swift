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
  /// What has come of the response and was not passed on yet.
  var received = ByteBuffer()
  let startedAt: Moment
  /// The client has closed its side but left requests to be answered.
  var ignoresHangup = false
  /// The server stopped taking the request's body; only its response matters now.
  var uploadFailed = false
}

extension ClientConnection where Stream: ~Copyable {
  /// Whether the request could be sent again: all of it that was sent is still here.
  var canReplay: Bool { !hasReadBody }

  /// Sends the request to `server` and passes the response on.
  func attempt<Server: ServerStream & ~Copyable>(
    with server: ServerConnection<Server>, from pool: ServerPool<Server>, _ route: RoutePlan,
    _ target: ForwardTarget
  ) async -> AttemptOutcome {
    do {
      inputUsed = try startUpload(route, target, keepsServer: pool.keepsConnections)
    } catch {
      return .failed(error)
    }
    var attempt = Attempt(
      server: server, pool: pool, route: route, startedAt: reactor.now)
    do {
      try await awaitResponse(&attempt)
    } catch {
      hasReadBody = upload.hasReadSource
      return .failed(error)
    }
    do {
      let disposition =
        response.status == 101
        ? try await tunnel(&attempt) : try await passResponse(&attempt)
      return .done(disposition)
    } catch {
      return .failed(error)
    }
  }

  /// Composes the request's head, with the part of its body that has come already behind it.
  ///
  /// - Returns: how many bytes of input the request takes.
  private func startUpload(
    _ route: RoutePlan, _ target: ForwardTarget, keepsServer: Bool
  ) throws(AttemptFailure) -> Int {
    hasReadBody = false
    upload.start(
      request.framing, chunkedOutput: request.isChunked, highWater: 65536,
      limit: route.maxBody)
    guard let head = composeRequest(for: route, target, keepsServer: keepsServer) else {
      throw .headTooLarge
    }
    upload.output.append(head)
    return try startBody()
  }

  /// Copies what has come of the body behind the head: the input stays, so that the request can be
  /// sent again.
  private func startBody() throws(AttemptFailure) -> Int {
    var position = request.byteCount
    var end = input.count
    if case .length(let n) = request.framing {
      end = position + Int(clamping: min(n, UInt64(end - position)))
    }
    while position < end, !upload.isInputEnded {
      var block = worker.buffers.borrow(.large)
      block.reset(headroom: BodyRelay.headroom)
      if !upload.carry.isEmpty {
        block.append(upload.carry)
        upload.carry = ByteBuffer()
      }
      let n = min(end - position, block.tailroom - BodyRelay.tailReserve)
      block.append(input, position..<position + n)
      do { try upload.take(&block) } catch {
        throw error == .tooLarge ? .bodyTooLarge : .badBody
      }
      upload.output.append(block)
      position += n - upload.surplus.count
      upload.surplus = ByteBuffer()
    }
    return position
  }

  // MARK: Until there is a response head

  /// Relays the request and reads until a final response head, or 101, is in `response`.
  private func awaitResponse<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>
  ) async throws(AttemptFailure) {
    var parser = HeadParser(limits: .response)
    var interim = 0
    while true {
      let again = try pumpUpload(&attempt)
      while try readResponse(&attempt, &parser) {
        let status = response.status
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
    guard !uploadIsDone(attempt), let server = attempt.server else { return false }
    do {
      guard case .again = try upload.pump(from: &stream, to: &server.stream) else {
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

  /// Reads and parses. True when `response` holds a head; its bytes are still in `received`,
  /// at its front.
  private func readResponse<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>, _ parser: inout HeadParser
  ) throws(AttemptFailure) -> Bool {
    guard let server = attempt.server else { throw .serverGone(wasReset: false) }
    while true {
      if !attempt.received.isEmpty {
        do {
          let method = request.method
          if try parser.parse(attempt.received.bytes, into: response, requestMethod: method) {
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
    var interests = Interests(server.stream.readInterest)
    let isDone = uploadIsDone(attempt)
    let responseDeadline = responseDeadline(attempt)
    var deadline = responseDeadline
    if isDone {
      // While a body is to come, its end tells that the client has gone.
      if !attempt.ignoresHangup { interests.insert(stream.hangupInterest) }
    } else {
      if upload.wantsInput {
        interests.insert(stream.readInterest)
        deadline = bodyDeadline(attempt)
      }
      if upload.hasOutput {
        interests.insert(server.stream.writeInterest)
        let patience = attempt.route.options.writeTimeoutMilliseconds
        deadline = min(deadline, upload.lastProgress.advanced(by: Int64(patience)))
      }
    }
    let wake = await reactor.wait(for: interests, until: deadline)
    if isDone { try noticeHangup(&attempt) }
    if case .deadline = wake, reactor.now >= deadline {
      if isDone { throw .responseTimeout }
      throw upload.hasOutput ? .serverStalled : .bodyTimeout
    }
    let rate = attempt.route.options.minBodyRate
    if !isDone, upload.isTooSlow(rate, since: attempt.startedAt) { throw .bodyTimeout }
  }

  /// A client that has closed its side has gone, unless it left requests that are not read yet:
  /// one that pipelines and then closes its side wants its answers (docs/decisions/0002).
  func noticeHangup<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>
  ) throws(AttemptFailure) {
    guard stream.isHungUp, !attempt.ignoresHangup else { return }
    guard input.count > inputUsed || stream.hasUnreadBytes() else { throw .clientGone }
    attempt.ignoresHangup = true
  }
}

extension ClientConnection where Stream: ~Copyable {
  func uploadIsDone<Server: ServerStream & ~Copyable>(
    _ attempt: borrowing Attempt<Server>
  ) -> Bool {
    attempt.uploadFailed || upload.isFinished
  }

  /// A response head is waited for since the request went out, or last moved.
  private func responseDeadline<Server: ServerStream & ~Copyable>(
    _ attempt: borrowing Attempt<Server>
  ) -> Moment {
    guard uploadIsDone(attempt) else { return .never }
    let patience = attempt.route.options.responseTimeoutMilliseconds
    return upload.lastProgress.advanced(by: Int64(patience))
  }

  /// Until when the client has to send more of a body that is waited for.
  func bodyDeadline<Server: ServerStream & ~Copyable>(
    _ attempt: borrowing Attempt<Server>
  ) -> Moment {
    upload.lastProgress.advanced(by: Int64(attempt.route.options.bodyTimeoutMilliseconds))
  }
}
