// Listeners of every family, and what accepting gives.
import Glibc
import IO
import Testing

extension Listener {
  /// Waits for a connection and accepts it.
  mutating func next(on worker: isolated LoopActor) async -> Outcome {
    while true {
      switch accept() {
      case .blocked:
        guard await worker.reactor.wait(for: interest, until: worker.patience) == .ready else {
          return .blocked
        }
      case let outcome: return outcome
      }
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
  private static let v4 = SocketAddress.v4(0x7f00_0001, port: 0)
  private static let v6 = SocketAddress.v6(high: 0, low: 1, scope: 0, port: 0)
  private static let any = SocketAddress.v6(high: 0, low: 0, scope: 0, port: 0)

  @Test(arguments: [
    (Self.v4, "127.0.0.1", false), (Self.v6, "::1", false), (Self.any, "127.0.0.1", true),
    (Self.any, "::1", true),
  ])
  func `a client is accepted with its address`(at: SocketAddress, host: String, dualStack: Bool)
    async throws
  {
    try await onLoop { worker in
      let socket = try Sockets.listen(at: at, backlog: 16, dualStack: dualStack)
      var listener = try Listener(socket, shared: false, on: worker.reactor)
      let bound = listener.address
      let port = try #require(bound?.port)
      #expect(port != 0)
      let target = try #require(SocketAddress(numeric: host, port: port))
      let client = try Sockets.connect(to: target)
      guard case .accepted(let server, let address) = await listener.next(on: worker) else {
        Issue.record("nobody came")
        return
      }
      #expect(address == Sockets.localAddress(of: client.number))
      #expect(Sockets.peerAddress(of: server.number) == address)
      guard case .blocked = listener.accept() else {
        Issue.record("somebody else came")
        return
      }
    }
  }

  @Test func `without dual stack an IPv6 listener is closed to IPv4`() throws {
    let socket = try Sockets.listen(at: Self.any, backlog: 1)
    let port = try #require(Sockets.localAddress(of: socket.number)?.port)
    // The port is free for IPv4, which it would not be if the IPv6 socket had it.
    _ = try Sockets.listen(at: .v4(0, port: port), backlog: 1, sharing: false)
  }

  @Test(arguments: [true, false]) func `a Unix socket is accepted from, shared or not`(shared: Bool)
    async throws
  {
    try await onLoop { worker in
      let directory = try TemporaryDirectory()
      let address = SocketAddress.unix(directory.path + "/s")
      let socket = try Sockets.listen(at: address, backlog: 16)
      var listener = try Listener(socket, shared: shared, on: worker.reactor)
      let client = try Sockets.connect(to: address)
      guard case .accepted(let server, let peer) = await listener.next(on: worker) else {
        Issue.record("nobody came")
        return
      }
      #expect(peer == .unix(""))
      send("x", to: client.number)
      var stream = try TCPStream(server, on: worker.reactor)
      let wake = await worker.reactor.wait(for: stream.readInterest, until: worker.patience)
      #expect(wake == .ready)
      stream.finishWriting()
    }
  }

  @Test func `a port can be shared if both want it, and not otherwise`() throws {
    let first = try Sockets.listen(at: Self.v4, backlog: 1)
    let address = try #require(Sockets.localAddress(of: first.number))
    let second = try Sockets.listen(at: address, backlog: 1)
    #expect(Sockets.localAddress(of: second.number) == address)
    #expect(throws: SystemError(code: EADDRINUSE)) {
      _ = try Sockets.listen(at: address, backlog: 1, sharing: false)
    }
  }

  @Test func `a listener that was dropped is closed`() async throws {
    try await onLoop { worker in
      let socket = try Sockets.listen(at: Self.v4, backlog: 1, sharing: false)
      let address = try #require(Sockets.localAddress(of: socket.number))
      _ = try Listener(socket, shared: false, on: worker.reactor)
      let stream = try TCPStream(try Sockets.connect(to: address), on: worker.reactor)
      let write = stream.writeInterest
      #expect(await worker.reactor.wait(for: write, until: worker.patience) == .ready)
      #expect(stream.connectError() == SystemError(code: ECONNREFUSED))
    }
  }

  @Test func `without a descriptor left accepting is exhausted, and goes on when there is one`()
    async
  {
    await #expect(processExitsWith: .success) {
      try await onLoop { worker in
        let socket = try Sockets.listen(at: Self.v4, backlog: 16)
        var listener = try Listener(socket, shared: false, on: worker.reactor)
        let bound = listener.address
        let client = try Sockets.connect(to: try #require(bound))
        let wake = await worker.reactor.wait(for: listener.interest, until: worker.patience)
        #expect(wake == .ready)
        // Numbers above the spare one's are not given out any more, and those below are all taken.
        let spare = Descriptor(adopting: dup(client.number))
        var limit = rlimit(rlim_cur: rlim_t(spare.number + 1), rlim_max: 4096)
        // SAFETY: setrlimit reads the structure.
        try #require(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        while dup(client.number) >= 0 {}
        guard case .exhausted(let error) = listener.accept() else {
          Issue.record("not exhausted")
          return
        }
        #expect(error == SystemError(code: EMFILE))
        let pause = listener.pauseInterest
        #expect(await worker.reactor.wait(for: pause, until: worker.soon(1)) == .deadline)
        _ = consume spare
        guard case .accepted = listener.accept() else {
          Issue.record("not accepted")
          return
        }
      }
    }
  }
}
