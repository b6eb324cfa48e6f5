// Messages that are posted: when they leave, in which order, and what becomes of those that find no
// room.
import Bytes
import Glibc
import IO
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct PostingTests {
  /// Two connected streams of which the reactor has been told that they can be written to.
  private func connectedPair(_ worker: isolated LoopActor) async throws -> StreamPair {
    let pair = try StreamPair(on: worker.reactor)
    await worker.reactor.yield()
    return pair
  }

  /// Posts a text.
  private func post(_ text: String, to stream: inout TCPStream) -> Bool {
    let bytes = Array(text.utf8)
    return unsafe stream.post(bytes.span.bytes)
  }

  /// What a socket has to be read, now.
  private func received(_ stream: inout TCPStream) -> String {
    var buffer = BufferPool().borrow(.large)
    while case .moved = stream.read(into: &buffer, limit: .max) {}
    return text(buffer)
  }

  /// Fills a socket behind its stream's back; the stream believes that there is room.
  private func fill(_ fd: Int32) -> Int {
    let bytes = [UInt8](repeating: 0x78, count: 65536)
    var count = 0
    var isFull = false
    while true {
      // SAFETY: send reads the array's bytes.
      let n = unsafe Glibc.send(fd, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      if n > 0 {
        isFull = false
        count += n
      } else if isFull {
        return count
      } else {
        // What the other end's kernel still takes makes room a moment later.
        isFull = true
        var room = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
        // SAFETY: poll writes to the one structure it is given.
        _ = unsafe poll(&room, 1, 50)
      }
    }
  }

  @Test func `a posted message leaves when its turn ends`() async throws {
    try await onLoop { worker in
      var pair = try await connectedPair(worker)
      let isPosted = post("hello", to: &pair.near)
      #expect(isPosted)
      #expect(pair.far.hasUnreadBytes() == false)
      await worker.reactor.yield()
      let text = received(&pair.far)
      #expect(text == "hello")
      #expect(pair.near.hasUnsent == false)
    }
  }

  @Test func `a message of 2,048 bytes is posted, one of 2,049 is to be written`() async throws {
    try await onLoop { worker in
      var pair = try await connectedPair(worker)
      let large = post(String(repeating: "a", count: 2049), to: &pair.near)
      #expect(!large)
      let small = post(String(repeating: "b", count: 2048), to: &pair.near)
      #expect(small)
      await worker.reactor.yield()
      let count = received(&pair.far).utf8.count
      #expect(count == 2048)
    }
  }

  @Test func `what is written after a post leaves after it, and a second post is to be written`()
    async throws
  {
    try await onLoop { worker in
      var pair = try await connectedPair(worker)
      let first = post("one ", to: &pair.near)
      let second = post("two ", to: &pair.near)
      #expect(first && !second)
      var buffer = BufferPool().borrow(.small)
      buffer.append("two ")
      let written = pair.near.write(from: &buffer, more: false)
      #expect(written == .moved(4))
      let third = post("three", to: &pair.near)
      #expect(third)
      await worker.reactor.yield()
      let text = received(&pair.far)
      #expect(text == "one two three")
    }
  }

  @Test(arguments: ["close", "detach", "finish", "settle"])
  func `a posted message leaves before its stream`(_ end: String) async throws {
    try await onLoop { worker in
      let pair = try await connectedPair(worker)
      let ends = pair.release()
      var near = TCPStream(registered: ends.near, on: worker.reactor)
      var far = TCPStream(registered: ends.far, on: worker.reactor)
      let isPosted = post("last words", to: &near)
      #expect(isPosted)
      switch end {
      case "close": near.close()
      case "detach": near = TCPStream(registered: near.detach(), on: worker.reactor)
      case "finish": near.finishWriting()
      default:
        let hasLeft = near.settle()
        #expect(hasLeft)
      }
      #expect(far.hasUnreadBytes() == true)
      await worker.reactor.yield()
      let text = received(&far)
      #expect(text == "last words")
    }
  }

  @Test func `more messages than a block holds leave in one turn`() async throws {
    try await onLoop { worker in
      var pairs: [Ends] = []
      for _ in 0..<40 { pairs.append(Ends(try await connectedPair(worker))) }
      for i in pairs.indices {
        let isPosted = post(String(repeating: "\(i % 10)", count: 2048), to: &pairs[i].pair.near)
        #expect(isPosted)
      }
      await worker.reactor.yield()
      for i in pairs.indices {
        let text = received(&pairs[i].pair.far)
        #expect(text == String(repeating: "\(i % 10)", count: 2048))
      }
    }
  }

  private final class Ends {
    var pair: StreamPair
    init(_ pair: consuming StreamPair) { self.pair = pair }
  }

  @Test func `a message that finds no room ends the wait after it, and is there to be written`()
    async throws
  {
    try await onLoop { worker in
      var pair = try await connectedPair(worker)
      let filled = fill(pair.near.fd)
      let isPosted = post("hello", to: &pair.near)
      #expect(isPosted)
      let interest = pair.near.readInterest
      #expect(await worker.reactor.wait(for: interest, until: worker.patience) == .ready)
      #expect(pair.near.hasUnsent == true)
      #expect(pair.near.mayRead == false)
      #expect(pair.near.mayWrite == false)
      let rest = pair.near.takeUnsent()
      // The kernel may have found room for a part of it.
      #expect("hello".utf8.reversed().starts(with: rest.reversed()))
      #expect(pair.near.hasUnsent == false)
      let now = worker.reactor.now
      #expect(await worker.reactor.wait(for: interest, until: now) == .deadline)
      #expect(filled > 0)
    }
  }

  @Test func `a write goes on with what a post has left`() async throws {
    try await onLoop { worker in
      var pair = try await connectedPair(worker)
      let filled = fill(pair.near.fd)
      _ = post("one ", to: &pair.near)
      var buffer = BufferPool().borrow(.small)
      buffer.append("two")
      let early = pair.near.write(from: &buffer, more: false)
      #expect(early == .blocked)
      var seen = ""
      while seen.utf8.count < filled + 7 {
        seen += received(&pair.far)
        if !buffer.isEmpty, pair.near.mayWrite {
          _ = pair.near.write(from: &buffer, more: false)
        }
        var both = Interests(pair.far.readInterest)
        if !buffer.isEmpty { both.insert(pair.near.writeInterest) }
        guard seen.utf8.count < filled + 7 else { break }
        #expect(await worker.reactor.wait(for: both, until: worker.patience) == .ready)
      }
      #expect(seen.hasSuffix("xone two"))
    }
  }

  @Test func `a message to a broken connection ends the wait, and the write after it fails`()
    async throws
  {
    try await onLoop { worker in
      let ends = try await connectedPair(worker).release()
      var near = TCPStream(registered: ends.near, on: worker.reactor)
      near.finishWriting()
      var far = TCPStream(registered: ends.far, on: worker.reactor)
      let isPosted = post("hello", to: &near)
      #expect(isPosted)
      let interest = near.hangupInterest
      #expect(await worker.reactor.wait(for: interest, until: worker.patience) == .ready)
      #expect(near.hasUnsent == true)
      var buffer = BufferPool().borrow(.small)
      buffer.append(near.takeUnsent())
      #expect(text(buffer) == "hello")
      let written = near.write(from: &buffer, more: false)
      #expect(written == .failed(SystemError(code: EPIPE)))
      far.close()
    }
  }
}
