// After a 101: bytes both ways, nothing understood, each direction ended on its own.
import Balancing
import Bytes
import Configuration
import HTTP
import IO
import Telemetry

extension ClientConnection where Stream: ~Copyable {
  /// Turns the exchange into a tunnel until both sides have ended, one has broken, or nothing has
  /// moved for `tunnel_timeout`.
  ///
  /// - Throws: only as long as nothing has gone to the client.
  @inline(never)
  func tunnel<Server: ServerStream & ~Copyable>(
    to server: ServerConnection<Server>, _ route: RoutePlan, _ attempt: inout Attempt
  ) async throws(AttemptFailure) -> Disposition {
    try startTunnel(on: route, &attempt)
    await moveBytes(to: server, on: route, isWebSocket: download.extras?.frames != nil)
    return .close
  }

  /// Moves bytes both ways until both sides have ended, one has broken, or nothing has moved for
  /// `tunnel_timeout`. The relays have been started, with what is to be sent first.
  func moveBytes<Server: ServerStream & ~Copyable>(
    to server: ServerConnection<Server>, on route: RoutePlan, isWebSocket: Bool
  ) async {
    let patience = Int64(route.options.tunnelTimeoutMilliseconds)
    let sides = [stream.readInterest, server.stream.readInterest]
    let record = worker.noteTunnel(
      on: route, at: place, between: sides, isWebSocket: isWebSocket)
    defer { worker.forget(record) }
    var ended = (up: false, down: false)
    while !(ended.up && ended.down) {
      if record.isLeaving { download.sayGoingAway() }
      do {
        var again = false
        if !ended.down {
          let step = try download.move(from: &server.stream, to: &stream)
          if case .again = step { again = true }
          if turn.owesOutcome, download.received > 0 { noteOutcome(.answered, of: route.upstream) }
          if case .finished = step {
            stream.finishWriting()
            ended.down = true
          }
        }
        if !ended.up {
          let step = try upload.move(from: &stream, to: &server.stream)
          if case .again = step { again = true }
          if case .finished = step {
            server.stream.finishWriting()
            ended.up = true
          }
        }
        if again {
          await reactor.yield()
          continue
        }
      } catch {
        return
      }
      if ended.up && ended.down { break }
      let interests = tunnelInterests(with: server, ended)
      let quiet = max(upload.lastProgress, download.lastProgress).advanced(by: patience)
      let deadline = min(quiet, record.end)
      let wake = await reactor.wait(for: interests, until: deadline)
      guard case .deadline = wake, reactor.now >= deadline else { continue }
      guard record.isWebSocket, !record.isLeaving, reactor.now >= record.end else { return }
      record.leave(at: reactor.now)
    }
  }

  /// What a tunnel waits for. A wait ends when what was posted to one of its sides does not leave in
  /// full; to a side that it does not listen to, it leaves before.
  private func tunnelInterests<Server: ServerStream & ~Copyable>(
    with server: ServerConnection<Server>, _ ended: (up: Bool, down: Bool)
  ) -> Interests {
    var interests = Interests()
    if !ended.up, upload.wantsInput {
      interests.insert(upload.sourceInterest(in: stream))
    } else {
      _ = download.settlePosts(to: &stream)
    }
    if !ended.down, download.wantsInput {
      interests.insert(download.sourceInterest(in: server.stream))
    } else {
      _ = upload.settlePosts(to: &server.stream)
    }
    if download.hasOutput { interests.insert(stream.writeInterest) }
    if upload.hasOutput { interests.insert(server.stream.writeInterest) }
    return interests
  }

  private func startTunnel(on route: RoutePlan, _ attempt: inout Attempt) throws(AttemptFailure) {
    let isWebSocket =
      response.upgrade.map {
        attempt.received.bytes.slice($0).equalsIgnoringCase("websocket")
      } ?? false
    guard composeSwitch(attempt.received.bytes, route) else {
      throw .invalidResponse("the head is too large")
    }
    let early = upload.takeSurplus()
    upload.start(.untilClose, chunkedOutput: false, highWater: 65536)
    download.start(.untilClose, chunkedOutput: false, highWater: 65536)
    var head = worker.buffers.borrow(.large)
    head.append(worker.scratch)
    download.output.append(head)
    attempt.received.consume(response.byteCount)
    var first = ByteBuffer()
    swap(&first, &attempt.received)
    if isWebSocket { download.followFrames(from: first.bytes) }
    download.output.append(first)
    // What the client sent behind its request belongs to the new protocol, now that it has begun.
    upload.output.append(early)
    guard input.count > inputUsed else { return }
    var late = worker.buffers.borrow(.large)
    late.append(input, inputUsed..<input.count)
    upload.output.append(late)
    inputUsed = input.count
  }
}
