// Bytes that wait to be written to a peer that reads slowly, or has not been tried yet.
import Bytes
import IO

/// Buffers in the order in which they leave.
///
/// Nearly always there is one, written at once; it lives inline. More are boxed, which costs an
/// allocation each, but only once a peer is slower than its partner. Bounded by who appends.
struct OutputQueue: ~Copyable {
  private var first = ByteBuffer()
  private var rest: [Box] = []
  /// Bytes written so far.
  private(set) var written: UInt64 = 0

  private final class Box {
    var buffer: ByteBuffer
    init(_ buffer: consuming ByteBuffer) { self.buffer = buffer }
  }

  var isEmpty: Bool { first.isEmpty }

  /// Bytes of memory held, whether or not bytes of message fill them.
  var capacity: Int { rest.reduce(first.capacity) { $0 + $1.buffer.capacity } }

  /// Adds a buffer at the end. Small ones are copied behind the last one while it has room, so that
  /// a server that sends crumbs to a slow client does not hold a block for each.
  mutating func append(_ buffer: consuming ByteBuffer) {
    if buffer.isEmpty { return }
    if first.isEmpty {
      first = buffer
    } else if let last = rest.last {
      if buffer.count <= last.buffer.tailroom {
        last.buffer.append(buffer.bytes)
      } else {
        rest.append(Box(buffer))
      }
    } else if buffer.count <= first.tailroom {
      first.append(buffer.bytes)
    } else {
      rest.append(Box(buffer))
    }
  }

  /// Puts a buffer before all others: bytes that had left this queue and come back.
  mutating func putBack(_ buffer: consuming ByteBuffer) {
    guard !first.isEmpty else { return append(buffer) }
    swap(&first, &buffer)
    rest.insert(Box(buffer), at: 0)
  }

  /// Drops everything.
  @inline(__always)
  mutating func removeAll() {
    if first.hasBlock { first = ByteBuffer() }
    if !rest.isEmpty { rest.removeAll() }
  }

  /// What `write` reached.
  enum Outcome { case drained, blocked, failed }

  /// Writes until all is written or the peer takes no more.
  ///
  /// - Parameter more: more follows at once, so the last packet need not be sent short.
  mutating func write<Sink: ByteStream & ~Copyable>(
    to sink: inout Sink, more: Bool = false
  ) -> Outcome {
    while !first.isEmpty {
      switch sink.write(from: &first, more: more || !rest.isEmpty) {
      case .moved(let n): written += UInt64(n)
      case .blocked, .ended: return .blocked
      case .failed: return .failed
      }
      if first.isEmpty { advance() }
    }
    return .drained
  }

  /// Posts a message from where it lies, past the queue, which has to be empty.
  ///
  /// - Returns: whether it did, because it is small; then it leaves at the end of the turn.
  mutating func post<Sink: ByteStream & ~Copyable>(
    _ message: RawSpan, to sink: inout Sink
  ) -> Bool {
    precondition(isEmpty)
    guard sink.post(message) else { return false }
    written += UInt64(message.byteCount)
    return true
  }

  /// Gives the empty first block back and makes the next one the first.
  private mutating func advance() {
    first = ByteBuffer()
    guard !rest.isEmpty else { return }
    swap(&first, &rest[0].buffer)
    rest.removeFirst()
  }
}
