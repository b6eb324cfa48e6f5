// After a 101: bytes both ways, nothing understood, each direction ended on its own.
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
  func tunnel<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>
  ) async throws(AttemptFailure) -> Disposition {
    guard let server = attempt.server else { throw .serverGone(wasReset: false) }
    let options = attempt.route.options
    var down = BodyRelay(.untilClose, chunkedOutput: false, highWater: 65536, worker)
    var up = BodyRelay(.untilClose, chunkedOutput: false, highWater: 65536, worker)
    try beginTunnel(&attempt, &down, &up)
    var ended = (up: false, down: false)
    while !(ended.up && ended.down) {
      do {
        var again = false
        if !ended.down {
          let step = try down.pump(from: &server.stream, to: &stream)
          if case .again = step { again = true }
          if case .finished = step {
            stream.finishWriting()
            ended.down = true
          }
        }
        if !ended.up {
          let step = try up.pump(from: &stream, to: &server.stream)
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
        return .close
      }
      if ended.up && ended.down { break }
      var interests = Interests()
      if down.hasOutput { interests.insert(stream.writeInterest) }
      if !ended.up, up.wantsInput { interests.insert(stream.readInterest) }
      if up.hasOutput { interests.insert(server.stream.writeInterest) }
      if !ended.down, down.wantsInput { interests.insert(server.stream.readInterest) }
      let deadline = max(up.lastProgress, down.lastProgress)
        .advanced(by: Int64(options.tunnelTimeoutMilliseconds))
      let wake = await reactor.wait(for: interests, until: deadline)
      if case .deadline = wake, reactor.now >= deadline { return .close }
    }
    return .close
  }

  private func beginTunnel<Server: ServerStream & ~Copyable>(
    _ attempt: inout Attempt<Server>, _ down: inout BodyRelay, _ up: inout BodyRelay
  ) throws(AttemptFailure) {
    guard composeSwitch(attempt.received.bytes, attempt.route.options) else {
      throw .invalidResponse("the head is too large")
    }
    var head = worker.buffers.borrow(.large)
    head.append(worker.scratch)
    down.output.append(head)
    attempt.received.consume(heads.response.byteCount)
    var early = ByteBuffer()
    swap(&early, &attempt.received)
    down.output.append(early)
    // What the client sent behind its request belongs to the new protocol, now that it has begun.
    input.consume(min(attempt.inputUsed, input.count))
    attempt.inputUsed = 0
    var late = ByteBuffer()
    swap(&late, &input)
    up.output.append(late)
  }
}
