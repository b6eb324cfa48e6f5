// Buffers that wait for a slow peer.
import Bytes
import IO
import Testing

@testable import Proxy

@Suite struct OutputQueueTests {
  private let pool = BufferPool()

  private func buffer(_ bytes: [UInt8], _ size: BlockSize = .small) -> ByteBuffer {
    var buffer = pool.borrow(size)
    buffer.append(bytes.span)
    return buffer
  }

  @Test func `an empty queue is drained without a write`() {
    var queue = OutputQueue()
    queue.append(ByteBuffer())
    queue.append(pool.borrow(.large))
    var sink = MemoryStream(rooms: [.failure])
    let outcome = queue.write(to: &sink)
    #expect(outcome == .drained)
    let (isEmpty, capacity) = (queue.isEmpty, queue.capacity)
    #expect(isEmpty)
    #expect(capacity == 0)
    #expect(pool.lent == 0)
  }

  @Test(arguments: [0, 1, 3]) func `what is put back leaves before all others`(_ others: Int) {
    var queue = OutputQueue()
    for i in 0..<others { queue.append(buffer(pattern(10_000, from: 10 + i * 10_000))) }
    queue.putBack(buffer(pattern(10)))
    var sink = MemoryStream()
    let outcome = queue.write(to: &sink)
    #expect(outcome == .drained)
    #expect(sink.written == pattern(10 + others * 10_000))
  }

  @Test func `buffers leave in the order in which they came whatever the sink takes`() {
    for room in [1, 7, 16384, 20000, 65536] {
      var queue = OutputQueue()
      var all: [UInt8] = []
      for (count, size) in [
        (5, BlockSize.small), (16384, .small), (65536, .large), (3, .small), (60000, .large),
        (10, .large), (6000, .small),
      ] {
        let part = pattern(count, from: all.count)
        all += part
        queue.append(buffer(part, size))
      }
      var sink = MemoryStream(
        rooms: [.bytes(room), .blocked] + Array(repeating: .bytes(room), count: 10))
      var outcome = queue.write(to: &sink)
      #expect(outcome == .blocked)
      let first = Int(queue.written)
      #expect(first == min(room, sink.written.count))
      sink.wake()
      outcome = queue.write(to: &sink)
      #expect(outcome == .drained)
      let (output, written, isEmpty) = (sink.written, queue.written, queue.isEmpty)
      #expect(output == all)
      #expect(written == UInt64(all.count))
      #expect(isEmpty)
      #expect(pool.lent == 0, "every block was given back")
    }
  }

  @Test func `small buffers are copied behind the last one while it has room`() {
    var queue = OutputQueue()
    queue.append(buffer(pattern(16380)))
    queue.append(buffer([1, 2, 3, 4]))
    var capacity = queue.capacity
    #expect(capacity == 16384)
    queue.append(buffer([5]))
    capacity = queue.capacity
    #expect(capacity == 32768)
    queue.append(buffer([6]))
    capacity = queue.capacity
    #expect(capacity == 32768)
    #expect(pool.lent == 2)
    var sink = MemoryStream()
    _ = queue.write(to: &sink)
    let output = sink.written
    #expect(output == pattern(16380) + [1, 2, 3, 4, 5, 6])
  }

  @Test func `a failed write is told`() {
    var queue = OutputQueue()
    queue.append(buffer([1, 2, 3]))
    var sink = MemoryStream(rooms: [.bytes(1), .failure])
    let outcome = queue.write(to: &sink)
    #expect(outcome == .failed)
    let written = queue.written
    #expect(written == 1)
  }

  @Test func `a message that is posted counts as written`() {
    var queue = OutputQueue()
    var sink = MemoryStream()
    sink.postedRoom = .max
    let message = buffer(Array("hello".utf8))
    let isPosted = queue.post(message.bytes, to: &sink)
    #expect(isPosted)
    let (isEmpty, count) = (queue.isEmpty, queue.written)
    #expect(isEmpty && count == 5)
    #expect(sink.writtenText == "hello")
  }

  @Test func `a message that is not posted does not count`() {
    var queue = OutputQueue()
    var sink = MemoryStream()
    let message = buffer(Array("hello".utf8))
    let isPosted = queue.post(message.bytes, to: &sink)
    #expect(!isPosted)
    let (isEmpty, count) = (queue.isEmpty, queue.written)
    #expect(isEmpty && count == 0)
  }
}
