// Streams of plain bytes over TLS: what arrives, what waits, how an end is told from a cut.
import Bytes
import IO
import TestSupport
import Testing

@testable import TLS

/// Clients that verify nothing.
private func contexts() throws -> (server: TLSContext, client: TLSContext) {
  var options = TLSContext.ClientOptions()
  options.verify = false
  return (try TLSContext(TLSContext.ServerOptions()), try TLSContext(options))
}

@Suite(.timeLimit(.minutes(1))) struct TLSStreamTests {
  @Test func `what one end writes the other reads`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      pair.client.send("hello")
      var buffer = pair.pool.borrow(.small)
      #expect(await pair.server.receive(5, into: &buffer, on: worker) == .moved(5))
      #expect(text(buffer) == "hello")
      #expect(pair.server.session.protocolName.description == "TLSv1.3")
      #expect(pair.server.session.cipherName == "TLS_AES_128_GCM_SHA256")
      #expect(pair.server.session.applicationProtocol == "http/1.1")
    }
  }

  @Test func `bytes that were received before the handshake count`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      _ = try pair.client.stepOfHandshake()
      var early = pair.pool.borrow(.small)
      await worker.reactor.yield()
      _ = pair.server.socket.read(into: &early, limit: .max)
      #expect(early.count > 100)
      pair.server.incoming = early
      try await pair.shakeHands(on: worker)
    }
  }

  @Test func `a megabyte arrives through a socket that fills, and nothing is lost`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      var sent = 0
      var received = 0
      var blocked = 0
      var output = ByteBuffer()
      let total = 8 << 20
      while received < total {
        if output.isEmpty, sent < total {
          output = pair.pool.borrow(.large)
          for i in 0..<output.capacity { output.append(UInt8(truncatingIfNeeded: (sent + i) / 7)) }
          sent += output.count
        }
        if !output.isEmpty, case .blocked = pair.server.write(from: &output, more: false) {
          blocked += 1
        }
        // Nothing is read for a while, so that the socket fills.
        if sent < total, output.isEmpty { continue }
        var input = pair.pool.borrow(.large)
        while case .moved = pair.client.read(into: &input, limit: .max) {
          let wrong = input.withBytes { bytes in
            (0..<bytes.byteCount).first { i in
              unsafe bytes.unsafeLoad(fromByteOffset: i, as: UInt8.self)
                != UInt8(truncatingIfNeeded: (received + i) / 7)
            }
          }
          #expect(wrong == nil)
          received += input.count
          input.reset()
        }
        await worker.reactor.yield()
      }
      #expect(received == total)
      #expect(blocked > 0)
      #expect(pair.pool.lent <= 2)
    }
  }

  @Test func `a read that is limited leaves the rest, and the stream says that there is more`()
    async throws
  {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      pair.client.send("abcde")
      var buffer = pair.pool.borrow(.small)
      #expect(await pair.server.receive(2, into: &buffer, on: worker) == .moved(2))
      let mayRead = pair.server.mayRead
      #expect(mayRead)
      let rest = pair.server.read(into: &buffer, limit: 10)
      #expect(rest == .moved(3))
      let mayReadAgain = pair.server.mayRead
      #expect(!mayReadAgain)
      #expect(text(buffer) == "abcde")
    }
  }

  @Test func `close_notify is an end, a close without it is a failure`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    for isClean in [true, false] {
      try await onLoop { worker in
        var pair = try TLSPair(on: worker, server: server, client: client, certificate)
        try await pair.shakeHands(on: worker)
        pair.server.send("body")
        if isClean { pair.server.finishWriting() } else { pair.server.socket.finishWriting() }
        var buffer = pair.pool.borrow(.small)
        let outcome = await pair.client.receive(100, into: &buffer, on: worker)
        #expect(text(buffer) == "body")
        if isClean {
          #expect(outcome == .ended)
        } else {
          #expect(outcome == .failed(SystemError(code: 104)))
        }
      }
    }
  }

  @Test func `a stream that just ends says close_notify`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      let session = pair.server.session
      do { _ = TLSStream(registered: pair.server.detach(), session, on: worker.reactor, pair.pool) }
      var buffer = pair.pool.borrow(.small)
      #expect(await pair.client.receive(1, into: &buffer, on: worker) == .ended)
    }
  }

  @Test func `a peer that has said goodbye and gone has left no unread bytes`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      pair.client.finishWriting()
      _ = await worker.reactor.wait(for: pair.server.readInterest, until: worker.patience)
      let hasBytes = pair.server.hasUnreadBytes()
      #expect(!hasBytes)
      let isHungUp = pair.server.isHungUp
      #expect(isHungUp)
    }
  }

  @Test func `a request behind a request counts as unread bytes`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      pair.client.send("GET")
      _ = await worker.reactor.wait(for: pair.server.readInterest, until: worker.patience)
      let hasBytes = pair.server.hasUnreadBytes()
      #expect(hasBytes)
      var buffer = pair.pool.borrow(.small)
      let outcome = pair.server.read(into: &buffer, limit: .max)
      #expect(outcome == .moved(3))
    }
  }

  @Test func `a client is quiet although tickets have come`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      _ = await worker.reactor.wait(for: pair.client.readInterest, until: worker.patience)
      let isQuiet = pair.client.isQuiet()
      #expect(isQuiet)
      #expect(pair.client.session.takeTicket() != nil)
    }
  }

  @Test func `an idle connection holds no block`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      pair.client.send("hello")
      var buffer = pair.pool.borrow(.small)
      _ = await pair.server.receive(5, into: &buffer, on: worker)
      buffer = ByteBuffer()
      _ = pair.client.isQuiet()
      #expect(pair.pool.lent == 0)
      let mayRest = pair.server.mayRest
      #expect(mayRest)
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct TLSRestTests {
  @Test func `a connection that has rested goes on where it was`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      var buffer = pair.pool.borrow(.small)
      for round in 1...3 {
        pair.client.send("round \(round)")
        #expect(await pair.server.receive(7, into: &buffer, on: worker) == .moved(7))
        buffer.reset()
        let session = pair.server.session
        pair.server = TLSStream(
          registered: pair.server.detach(), session, on: worker.reactor, pair.pool)
        pair.server.send("answer \(round)")
        #expect(await pair.client.receive(8, into: &buffer, on: worker) == .moved(8))
        #expect(text(buffer) == "answer \(round)")
        buffer.reset()
      }
    }
  }

  @Test func `a session at rest keeps less than half of its memory, and may end so`() async throws {
    let certificate = try selfSigned()
    let (server, client) = try contexts()
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: server, client: client, certificate)
      try await pair.shakeHands(on: worker)
      let kept = pair.server.session.rest()
      #expect(kept > 0)
      #expect(kept < 4096)
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct TLSHandshakeTests {
  @Test func `a server whose name is another is refused, and is told so by an alert`() async throws
  {
    let certificate = try selfSigned("example.org")
    let authority = certificate.asAuthority()
    let server = try TLSContext(TLSContext.ServerOptions())
    var options = TLSContext.ClientOptions()
    options.ca = authority.path
    let client = try TLSContext(options)
    for (name, isRight) in [("example.org", true), ("other.example", false)] {
      try await onLoop { worker in
        var pair = try TLSPair(
          on: worker, server: server, client: client, certificate,
          prepare: { client, _ in try client.setPeer(name, isAddress: false) })
        do throws(TLSFailure) {
          try await pair.shakeHands(on: worker)
          #expect(isRight)
          return
        } catch {
          #expect(!isRight)
          #expect("\(error)".contains("hostname mismatch"))
        }
        do throws(TLSFailure) {
          while let interest = try pair.server.stepOfHandshake() {
            _ = await worker.reactor.wait(for: interest, until: worker.patience)
          }
          Issue.record("the handshake is complete")
        } catch {
          #expect("\(error)".contains("alert"))
        }
      }
    }
  }

  @Test func `a session is taken up again by a context with the same ticket keys`() async throws {
    let certificate = try selfSigned()
    let keys = try TicketKeys()
    let (_, client) = try contexts()
    let first = try TLSContext(TLSContext.ServerOptions(), ticketKeys: keys)
    let second = try TLSContext(TLSContext.ServerOptions(), ticketKeys: keys)
    try await onLoop { worker in
      var pair = try TLSPair(on: worker, server: first, client: client, certificate)
      try await pair.shakeHands(on: worker)
      _ = await worker.reactor.wait(for: pair.client.readInterest, until: worker.patience)
      _ = pair.client.isQuiet()
      let ticket = try #require(pair.client.session.takeTicket())
      #expect(ticket.isFresh)
      var next = try TLSPair(
        on: worker, server: second, client: client, certificate,
        prepare: { client, _ in client.resume(ticket) })
      try await next.shakeHands(on: worker)
      #expect(next.server.session.wasResumed)
    }
  }
}
