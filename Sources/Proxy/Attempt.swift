// One attempt to have a request answered by one server: send the head, relay the body, and wait for
// a response head while the body is still on its way, because a server may answer early.
import Bytes
import Configuration
import HTTP
import IO

/// An attempt in progress. Worker-confined, lives on its task's stack.
struct Attempt: ~Copyable {
  /// False once the server's connection has been given back to its pool or given up.
  var holdsServer = true
  /// What has come of the response and was not passed on yet.
  var received = ByteBuffer()
  /// When the request, or the body that a 100 has asked for, began to be sent.
  var startedAt: Moment
  /// How many 1xx responses were passed on.
  var interimResponses = 0
  /// The client has closed its side, which was noticed.
  var ignoresHangup = false
  /// When the client closed its side without leaving another request.
  var hungUpAt = Moment.never
  /// The server stopped taking the request's body; only its response matters now.
  var uploadFailed = false
}

/// A wait for a response head, beside what is waited for.
private struct ResponseWait {
  var deadline = Moment.never
  /// Nothing of the request is left to be sent.
  let uploadIsDone: Bool
  /// The client waits for the server's 100 before it sends the body.
  var isForContinue = false

  init(uploadIsDone: Bool) { self.uploadIsDone = uploadIsDone }
}

extension ClientConnection where Stream: ~Copyable {
  /// Whether the request could be sent again: all of it that was sent is still here.
  var canReplay: Bool { !cannotReplay }

  /// Sends the request to `server` and passes the response on.
  ///
  /// - Returns: what becomes of the client's connection.
  /// - Throws: why there is no response to pass on; nothing has gone to the client then.
  @inline(__always)
  func attempt<Server: ServerStream & ~Copyable>(
    with server: ServerConnection<Server>, _ route: RoutePlan, _ target: ForwardTarget,
    keepsServer: Bool
  ) async throws(AttemptFailure) -> Disposition {
    inputUsed = try startUpload(to: server, route, target, keepsServer: keepsServer)
    var attempt = Attempt(startedAt: reactor.now)
    do throws(AttemptFailure) {
      try await awaitResponse(from: server, route, &attempt)
    } catch {
      cannotReplay = upload.hasReadSource || attempt.interimResponses > 0
      throw error
    }
    server.answersAreSmall = attempt.received.count < Reactor.smallMessage
    // A response in the turn of its request is none to it, but the request is to be gone before
    // anything is made of the connection.
    if !server.stream.settle() { attempt.uploadFailed = true }
    noteResponse(of: route.upstream)
    if response.status == 101 { return try await tunnel(to: server, route, &attempt) }
    return try await passResponse(from: server, route, &attempt)
  }

  /// Composes the request's head, with the part of its body that has come already behind it, and posts
  /// it where it is all there is of the request.
  ///
  /// - Returns: how many bytes of input the request takes.
  private func startUpload<Server: ServerStream & ~Copyable>(
    to server: ServerConnection<Server>, _ route: RoutePlan, _ target: ForwardTarget,
    keepsServer: Bool
  ) throws(AttemptFailure) -> Int {
    cannotReplay = false
    upload.start(
      request.framing, chunkedOutput: request.isChunked, highWater: 65536,
      limit: route.maxBody)
    let bound = requestBound(for: route)
    if upload.isInputEnded, bound <= worker.scratch.capacity {
      worker.scratch.reset()
      guard
        composeRequest(
          for: route, target, keepsServer: keepsServer, into: &worker.scratch)
      else { throw .headTooLarge }
      upload.postScratch(to: &server.stream)
      return request.byteCount
    }
    var head = worker.borrow(fitting: bound)
    guard composeRequest(for: route, target, keepsServer: keepsServer, into: &head) else {
      throw .headTooLarge
    }
    upload.output.append(head)
    return upload.isInputEnded ? request.byteCount : try startBody()
  }

  /// Copies what has come of the body behind the head: the input stays, so that the request can be
  /// sent again.
  @inline(never)
  private func startBody() throws(AttemptFailure) -> Int {
    var position = request.byteCount
    var end = input.count
    if case .length(let n) = request.framing {
      end = position + Int(clamping: min(n, UInt64(end - position)))
    }
    while position < end, !upload.isInputEnded {
      var block = worker.buffers.borrow(.large)
      block.reset(headroom: BodyRelay.headroom)
      if let extras = upload.extras { extras.putCarry(into: &block) }
      let n = min(end - position, block.tailroom - BodyRelay.tailReserve)
      block.append(input, position..<position + n)
      do { try upload.take(&block) } catch {
        throw error == .tooLarge ? .bodyTooLarge : .badBody
      }
      upload.queue(block)
      position += n - upload.takeSurplus().count
    }
    return position
  }

  // MARK: Until there is a response head

  /// Relays the request and reads until a final response head, or 101, is in `response`.
  private func awaitResponse<Server: ServerStream & ~Copyable>(
    from server: ServerConnection<Server>, _ route: RoutePlan, _ attempt: inout Attempt
  ) async throws(AttemptFailure) {
    while true {
      let again = try pumpUpload(to: server, &attempt)
      while try readResponse(from: server, &attempt) {
        let status = response.status
        if status >= 200 { return }
        if status == 101 {
          guard offersUpgrade, requestWasSent(attempt) else {
            throw .invalidResponse("101 out of place")
          }
          return
        }
        attempt.interimResponses += 1
        guard attempt.interimResponses <= Self.interimLimit else {
          throw .invalidResponse("too many 1xx")
        }
        try await passInterim(on: route, &attempt)
      }
      if again {
        await reactor.yield()
      } else {
        let (interests, wait) = responseWait(for: server, route, &attempt)
        let wake = await reactor.wait(for: interests, until: wait.deadline)
        if server.stream.hasUnsent { upload.takeBack(from: &server.stream) }
        try judge(wake, wait, route, &attempt)
      }
    }
  }

  /// How many 1xx responses one request may get.
  private static var interimLimit: Int { 64 }

  /// Moves what can be moved of the request. True if more may move at once.
  // Nearly always there is nothing left to be moved.
  @inline(__always)
  func pumpUpload<Server: ServerStream & ~Copyable>(
    to server: ServerConnection<Server>, _ attempt: inout Attempt
  ) throws(AttemptFailure) -> Bool {
    guard attempt.holdsServer, !uploadIsDone(attempt) else { return false }
    return try pumpRest(to: server, &attempt)
  }

  @inline(never)
  private func pumpRest<Server: ServerStream & ~Copyable>(
    to server: ServerConnection<Server>, _ attempt: inout Attempt
  ) throws(AttemptFailure) -> Bool {
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
    from server: ServerConnection<Server>, _ attempt: inout Attempt
  ) throws(AttemptFailure) -> Bool {
    while true {
      if !attempt.received.isEmpty {
        do {
          if try parseResponse(attempt.received.bytes) { return true }
        } catch {
          throw .invalidResponse(error.description)
        }
      }
      guard server.stream.mayRead else { return false }
      if !attempt.received.hasBlock {
        attempt.received = worker.buffers.borrow(.large)
        attempt.received.reset(headroom: Self.responseHeadroom)
        borrowResponse()
      }
      if attempt.received.tailroom <= BodyRelay.tailReserve,
        attempt.received.headroom > Self.responseHeadroom
      {
        // Interim responses were here.
        attempt.received.compact(headroom: Self.responseHeadroom)
      }
      let room = attempt.received.tailroom - BodyRelay.tailReserve
      guard room > 0 else { throw .invalidResponse("the head is too large") }
      let limit = attempt.received.isEmpty ? min(room, Self.firstRead) : room
      switch server.stream.read(into: &attempt.received, limit: limit) {
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

  /// How much of a response is read at first: a head and 16 KiB. What a short answer has left, a
  /// second read takes; what a large one has left is spliced, which is cheaper than copying it.
  private static var firstRead: Int { 17 * 1024 }

  /// Room before a response for the fields that are added to its head.
  private static var responseHeadroom: Int { 1024 }

  /// What to wait for while there is no response head. The attempt does not change; borrowed, it would be
  /// copied into the frame.
  private func responseWait<Server: ServerStream & ~Copyable>(
    for server: ServerConnection<Server>, _ route: RoutePlan, _ attempt: inout Attempt
  ) -> (Interests, ResponseWait) {
    var interests = Interests()
    var wait = ResponseWait(uploadIsDone: uploadIsDone(attempt))
    let isSmall = server.answersAreSmall
    interests.insert(isSmall ? server.stream.messageInterest : server.stream.readInterest)
    if wait.uploadIsDone {
      wait.deadline = serverDeadline(route)
      // While a body is to come, its end tells that the client has gone.
      if !attempt.ignoresHangup { interests.insert(stream.hangupInterest) }
      wait.deadline = min(wait.deadline, goneDeadline(attempt))
      return (interests, wait)
    }
    if upload.wantsInput {
      interests.insert(stream.readInterest)
      wait.isForContinue =
        request.expectsContinue && attempt.interimResponses == 0 && upload.received == 0
      wait.deadline = wait.isForContinue ? serverDeadline(route) : bodyDeadline(route)
    }
    if upload.hasOutput {
      interests.insert(server.stream.writeInterest)
      let patience = route.options.writeTimeoutMilliseconds
      wait.deadline = min(wait.deadline, upload.lastProgress.advanced(by: Int64(patience)))
    }
    return (interests, wait)
  }

  /// Looks whether the wait has ended because something took too long or the client has gone.
  private func judge(
    _ wake: Wake, _ wait: ResponseWait, _ route: RoutePlan, _ attempt: inout Attempt
  ) throws(AttemptFailure) {
    if wait.uploadIsDone { try noticeHangup(&attempt) }
    if case .deadline = wake, reactor.now >= wait.deadline {
      if wait.uploadIsDone || wait.isForContinue { throw .responseTimeout }
      throw upload.hasOutput ? .serverStalled : .bodyTimeout
    }
    if wait.uploadIsDone || wait.isForContinue { return }
    if upload.isTooSlow(route.options.minBodyRate, since: attempt.startedAt) {
      throw .bodyTimeout
    }
  }

  /// A client that has closed its side has probably gone, but may be one that only says it has
  /// nothing more to ask. Unless it left requests that are not read yet, it is given a moment: a
  /// server that is quick can still answer it, one that is slow is let go (docs/decisions/0002).
  func noticeHangup(_ attempt: inout Attempt) throws(AttemptFailure) {
    if stream.isBroken || reactor.now >= goneDeadline(attempt) { throw .clientGone }
    guard stream.isHungUp, !attempt.ignoresHangup else { return }
    attempt.ignoresHangup = true
    let hasMore = input.count > inputUsed || upload.hasSurplus
    if !hasMore, !stream.hasUnreadBytes() { attempt.hungUpAt = reactor.now }
  }

  /// Until when something has to move for a client that has closed its side.
  func goneDeadline(_ attempt: borrowing Attempt) -> Moment {
    guard attempt.hungUpAt != .never else { return .never }
    return max(attempt.hungUpAt, download.lastProgress).advanced(by: 1000)
  }
}

extension ClientConnection where Stream: ~Copyable {
  /// Whether the server has been sent the whole request: only then can either connection be used again.
  func requestWasSent(_ attempt: borrowing Attempt) -> Bool {
    upload.isFinished && !attempt.uploadFailed
  }

  /// Whether nothing more of the request is to be sent, because all was or because the server broke off.
  func uploadIsDone(_ attempt: borrowing Attempt) -> Bool {
    attempt.uploadFailed || upload.isFinished
  }

  /// Until when the server has to answer; the time begins when the request has gone out.
  private func serverDeadline(_ route: RoutePlan) -> Moment {
    let patience = route.options.responseTimeoutMilliseconds
    return upload.lastProgress.advanced(by: Int64(patience))
  }

  /// Until when the client has to send more of a body that is waited for.
  func bodyDeadline(_ route: RoutePlan) -> Moment {
    upload.lastProgress.advanced(by: Int64(route.options.bodyTimeoutMilliseconds))
  }
}
