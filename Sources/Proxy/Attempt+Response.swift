// Passing a response on: its head rewritten, its body relayed, the server set free as soon as the
// last byte has come from it, whether or not the client has read them all.
import Bytes
import Configuration
import HTTP
import IO

extension ClientConnection where Stream: ~Copyable {
  /// Passes a 1xx response on; an HTTP/1.0 client knows none.
  @inline(never)
  func passInterim(on route: RoutePlan, _ attempt: inout Attempt) async throws(AttemptFailure) {
    var head = worker.buffers.borrow(.large)
    let fits = composeInterim(attempt.received.bytes, into: &head)
    attempt.received.consume(response.byteCount)
    // A body that was waited for begins now.
    attempt.startedAt = reactor.now
    upload.noteProgress()
    guard request.minorVersion > 0 else { return }
    guard fits else { throw .invalidResponse("the head is too large") }
    let deadline = reactor.now.advanced(by: Int64(route.options.writeTimeoutMilliseconds))
    guard await write(&head, until: deadline) else { throw .clientGone }
  }

  /// Passes the final response on whose head is in `response`.
  ///
  /// - Throws: only as long as nothing has gone to the client.
  @inline(__always)
  func passResponse<Server: ServerStream & ~Copyable>(
    from server: ServerConnection<Server>, _ route: RoutePlan, _ attempt: inout Attempt
  ) async throws(AttemptFailure) -> Disposition {
    let wasSent = requestWasSent(attempt)
    let persists = mayPersist && wasSent && canDelimit(response.framing)
    let isStream = !isHere(attempt) && response.isEventStream(attempt.received.bytes)
    try startDownload(on: route, &attempt, persists: persists)
    while true {
      let again: Bool
      do {
        again = try pumpDownload(from: server, route, &attempt)
      } catch {
        // The head has gone out, so no error can be told. A body that ends with its connection
        // must not look whole; others are seen to be short.
        if error != .sinkBroken, !canDelimit(response.framing) { stream.abort() }
        return .cut
      }
      if download.isFinished { break }
      if again {
        await reactor.yield()
      } else if await !waitForBody(from: server, route, &attempt, isStream: isStream) {
        if !canDelimit(response.framing) { stream.abort() }
        return .cut
      }
    }
    if persists { return .persist }
    return wasSent ? .close : .linger
  }

  /// Whether nothing more has come from the client: it waits for this response, and after it we shall
  /// wait for its next request.
  private var isWaitingForUs: Bool {
    !stream.mayRead && input.count == inputUsed && !upload.hasSurplus
  }

  /// Whether all of the response has come.
  private func isHere(_ attempt: borrowing Attempt) -> Bool {
    guard case .length(let length) = response.framing else { return false }
    return length <= UInt64(attempt.received.count - response.byteCount)
  }

  /// Whether the client can tell where a body ends without the connection being closed.
  private func canDelimit(_ framing: BodyFraming) -> Bool {
    switch framing {
    case .none, .length: true
    case .chunked, .untilClose: request.minorVersion > 0
    }
  }

  /// Puts the rewritten head before what has come of the body.
  private func startDownload(
    on route: RoutePlan, _ attempt: inout Attempt, persists: Bool
  ) throws(AttemptFailure) {
    let framing = response.framing
    var chunked = false
    switch framing {
    case .chunked, .untilClose: chunked = request.minorVersion > 0
    case .none, .length: break
    }
    download.start(
      framing, chunkedOutput: chunked, highWater: route.options.buffering)
    guard
      composeResponse(attempt.received.bytes, route, chunked: chunked, persists: persists)
    else { throw .invalidResponse("the head is too large") }
    var block = ByteBuffer()
    swap(&block, &attempt.received)
    block.consume(response.byteCount)
    if !block.isEmpty {
      let count = block.count
      do { try download.take(&block) } catch { throw .invalidResponse("the body is malformed") }
      download.noteRead(count)
    }
    // A small answer that is all here leaves at the end of the turn, from where its head was composed,
    // or together with the end of the connection. Nothing is posted by TLS.
    if tls == nil, isWaitingForUs, download.isInputEnded, download.extras == nil,
      worker.scratch.count + block.count <= Reactor.smallMessage
    {
      worker.scratch.append(block)
      return download.postScratch(to: &stream)
    }
    if worker.scratch.count <= block.headroom {
      block.prepend(worker.scratch)
    } else {
      var head = worker.buffers.borrow(.large)
      head.append(worker.scratch)
      download.output.append(head)
    }
    download.queue(block)
  }

  /// Moves what can be moved, and lets go of the server once the response has come in full.
  private func pumpDownload<Server: ServerStream & ~Copyable>(
    from server: ServerConnection<Server>, _ route: RoutePlan, _ attempt: inout Attempt
  ) throws(RelayError) -> Bool {
    var again = false
    if attempt.holdsServer {
      if case .again = try download.pump(from: &server.stream, to: &stream) { again = true }
    } else {
      _ = try download.flush(to: &stream)
    }
    if attempt.holdsServer, !uploadIsDone(attempt) {
      do {
        if try pumpUpload(to: server, &attempt) { again = true }
      } catch {
        // The response is under way; what is wrong with the request cannot be told any more.
        attempt.uploadFailed = true
      }
    }
    if download.isInputEnded, attempt.holdsServer { release(server, of: route.upstream, &attempt) }
    return again
  }

  /// Gives the server's connection back to its pool, or closes it when it cannot be used again: the
  /// request was not sent in full, or more came than belonged to the response.
  private func release<Server: ServerStream & ~Copyable>(
    _ server: ServerConnection<Server>, of upstream: UpstreamPlan,
    _ attempt: inout Attempt
  ) {
    attempt.holdsServer = false
    defer { endLease(at: upstream) }
    let wasSent = requestWasSent(attempt)
    if response.keepAlive, wasSent, !download.hasSurplus {
      turn.keep(server, for: response.keepAliveTimeout)
    } else {
      // Now, not when the client has read it all: others hold the object still.
      server.stream.close()
      if !wasSent { attempt.uploadFailed = true }
    }
  }

  /// Waits until something can move. False when it is over: a timeout, or the client has gone.
  @inline(never)
  private func waitForBody<Server: ServerStream & ~Copyable>(
    from server: ServerConnection<Server>, _ route: RoutePlan, _ attempt: inout Attempt,
    isStream: Bool
  ) async -> Bool {
    var interests = Interests()
    var deadline = Moment.never
    if download.hasOutput {
      interests.insert(stream.writeInterest)
      deadline = download.lastProgress.advanced(by: Int64(route.options.writeTimeoutMilliseconds))
    }
    if attempt.holdsServer {
      if download.wantsInput {
        interests.insert(server.stream.readInterest)
        if !isStream {
          let patience = Int64(route.options.readTimeoutMilliseconds)
          deadline = min(deadline, download.lastProgress.advanced(by: patience))
        }
      }
      if !uploadIsDone(attempt) {
        if upload.wantsInput {
          interests.insert(stream.readInterest)
          deadline = min(deadline, bodyDeadline(route))
        }
        if upload.hasOutput { interests.insert(server.stream.writeInterest) }
      }
    }
    if uploadIsDone(attempt) {
      if !attempt.ignoresHangup { interests.insert(stream.hangupInterest) }
      deadline = min(deadline, goneDeadline(attempt))
    }
    let wake = await reactor.wait(for: interests, until: deadline)
    if case .deadline = wake, reactor.now >= deadline { return false }
    if uploadIsDone(attempt) {
      do { try noticeHangup(&attempt) } catch { return false }
    }
    return true
  }
}

extension ResponseHead {
  /// Whether the body is a stream of events (WHATWG "Server-sent events"), which may be silent.
  func isEventStream(_ bytes: RawSpan) -> Bool {
    guard let type = first(.contentType) else { return false }
    return bytes.slice(type.value).starts(with: "text/event-stream")
  }
}
