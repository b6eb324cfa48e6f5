// Passing a response on: its head rewritten, its body relayed, the server set free as soon as the
// last byte has come from it, whether or not the client has read them all.
import Bytes
import Configuration
import HTTP
import IO
import Telemetry

extension ClientConnection where Stream: ~Copyable {
  /// Passes a 1xx response on; an HTTP/1.0 client knows none.
  func passInterim<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>
  ) async throws(AttemptFailure) {
    var head = worker.buffers.borrow(.large)
    let fits = composeInterim(attempt.received.bytes, into: &head)
    attempt.received.consume(heads.response.byteCount)
    guard request.minorVersion > 0 else { return }
    guard fits else { throw .invalidResponse("the head is too large") }
    let deadline = reactor.now.advanced(by: Int64(attempt.route.options.writeTimeoutMilliseconds))
    while !head.isEmpty {
      switch stream.write(from: &head, more: false) {
      case .moved: continue
      case .ended, .failed: throw .clientGone
      case .blocked:
        guard case .ready = await reactor.wait(for: stream.writeInterest, until: deadline) else {
          throw .clientGone
        }
      }
    }
  }

  /// Passes the final response on whose head is in `heads.response`.
  ///
  /// - Throws: only as long as nothing has gone to the client.
  func passResponse<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>
  ) async throws(AttemptFailure) -> Disposition {
    let persists = mayPersist && attempt.uploadIsDone && canDelimit(heads.response.framing)
    let isStream = heads.response.isEventStream(attempt.received.bytes)
    var download = try beginResponse(&attempt, persists: persists)
    while true {
      let again: Bool
      do {
        again = try pumpDownload(&attempt, &download)
      } catch {
        // The head has gone out, so no error can be told. A body that ends with its connection
        // must not look whole; others are seen to be short.
        if error != .sinkBroken, case .untilClose = heads.response.framing { stream.abort() }
        return .close
      }
      if download.isFinished { break }
      if again {
        await reactor.yield()
      } else if await !waitForBody(&attempt, download, isStream: isStream) {
        return .close
      }
    }
    if persists { return .persist }
    return attempt.uploadIsDone ? .close : .linger
  }

  /// Whether the client can tell where a body ends without the connection being closed.
  private func canDelimit(_ framing: BodyFraming) -> Bool {
    switch framing {
    case .none, .length: true
    case .chunked, .untilClose: request.minorVersion > 0
    }
  }

  /// Puts the rewritten head before what has come of the body.
  private func beginResponse<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>, persists: Bool
  ) throws(AttemptFailure) -> BodyRelay {
    let framing = heads.response.framing
    let isDelimited = framing == .none || framing == .length(0)
    var chunked = false
    switch framing {
    case .chunked, .untilClose: chunked = request.minorVersion > 0
    case .none, .length: break
    }
    var download = BodyRelay(
      framing, chunkedOutput: chunked, highWater: attempt.route.options.buffering, worker)
    guard
      composeResponse(
        attempt.received.bytes, attempt.route.options, chunked: chunked, persists: persists)
    else { throw .invalidResponse("the head is too large") }
    var block = ByteBuffer()
    swap(&block, &attempt.received)
    block.consume(heads.response.byteCount)
    if !block.isEmpty || !isDelimited {
      do { try download.take(&block) } catch { throw .invalidResponse("the body is malformed") }
    }
    if worker.scratch.count <= block.headroom {
      block.prepend(worker.scratch)
    } else {
      var head = worker.buffers.borrow(.large)
      head.append(worker.scratch)
      download.output.append(head)
    }
    download.output.append(block)
    return download
  }

  /// Moves what can be moved, and lets go of the server once the response has come in full.
  private func pumpDownload<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>, _ download: inout BodyRelay
  ) throws(RelayError) -> Bool {
    var again = false
    if let server = attempt.server {
      if case .again = try download.pump(from: &server.stream, to: &stream) { again = true }
    } else {
      _ = try download.flush(to: &stream)
    }
    if attempt.server != nil, !attempt.uploadIsDone {
      do {
        if try pumpUpload(&attempt) { again = true }
      } catch {
        // The response is under way; what is wrong with the request cannot be told any more.
        attempt.uploadFailed = true
      }
    }
    if download.isInputEnded { release(&attempt, download) }
    return again
  }

  /// Gives the server's connection back to its pool, or closes it when it cannot be used again: the
  /// request was not sent in full, or more came than belonged to the response.
  private func release<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>, _ download: borrowing BodyRelay
  ) {
    guard let server = attempt.server else { return }
    attempt.server = nil
    if heads.response.keepAlive, attempt.upload.isFinished, !attempt.uploadFailed,
      download.surplus.isEmpty
    {
      attempt.pool.giveBack(server, keptFor: heads.response.keepAliveTimeout)
    } else if !attempt.upload.isFinished {
      attempt.uploadFailed = true
    }
  }

  /// Waits until something can move. False when it is over: a timeout, or the client has gone.
  private func waitForBody<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>, _ download: borrowing BodyRelay, isStream: Bool
  ) async -> Bool {
    let options = attempt.route.options
    var interests = Interests()
    var deadline = Moment.never
    if download.hasOutput {
      interests.insert(stream.writeInterest)
      deadline = download.lastProgress.advanced(by: Int64(options.writeTimeoutMilliseconds))
    }
    if let server = attempt.server {
      if download.wantsInput {
        interests.insert(server.stream.readInterest)
        if !isStream {
          let patience = Int64(options.readTimeoutMilliseconds)
          deadline = min(deadline, download.lastProgress.advanced(by: patience))
        }
      }
      if !attempt.uploadIsDone {
        if attempt.upload.wantsInput {
          interests.insert(stream.readInterest)
          deadline = min(deadline, attempt.bodyDeadline)
        }
        if attempt.upload.hasOutput { interests.insert(server.stream.writeInterest) }
      }
    }
    if attempt.uploadIsDone, !attempt.ignoresHangup { interests.insert(stream.hangupInterest) }
    let wake = await reactor.wait(for: interests, until: deadline)
    if case .deadline = wake, reactor.now >= deadline { return false }
    do { try noticeHangup(&attempt) } catch { return false }
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
