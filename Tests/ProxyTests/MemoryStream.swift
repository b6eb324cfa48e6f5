// A connection without a socket, for tests: what can be read from it, and when it takes what is
// written, stands in two scripts. So every cut of a message and every short write can be told
// exactly, and nothing depends on the kernel's buffers.
import Bytes
import IO

/// A stream whose peer follows a script. An attempt that meets a blocked point is blocked until
/// `wake`, as a socket is until its next edge.
struct MemoryStream: ~Copyable, ByteStream {
  /// What the peer does next.
  enum Arrival: Equatable {
    /// These bytes are there; a read that takes only some of them leaves the rest.
    case bytes([UInt8])
    case blocked, end, failure

    static func text(_ text: String) -> Arrival { .bytes(Array(text.utf8)) }
  }

  /// What the next write meets.
  enum Room: Equatable {
    /// At most so many bytes are taken.
    case bytes(Int)
    case blocked, failure
  }

  /// What comes; when the script is over, reads are blocked for good.
  var arrivals: [Arrival]
  /// What writes meet; when the script is over, everything is taken.
  var rooms: [Room]
  /// All that was written.
  private(set) var written: [UInt8] = []
  /// How many reads were tried, blocked ones included.
  private(set) var reads = 0
  private(set) var mayRead = true
  private var mayWrite = true
  private(set) var wasAborted = false
  private(set) var hasFinishedWriting = false

  init(_ arrivals: [Arrival] = [], rooms: [Room] = []) {
    self.arrivals = arrivals
    self.rooms = rooms
  }

  var writtenText: String { String(decoding: written, as: UTF8.self) }

  /// The edge after a blocked attempt.
  mutating func wake() {
    mayRead = true
    mayWrite = true
  }

  mutating func read(into buffer: inout ByteBuffer, limit: Int) -> Transfer {
    reads += 1
    guard mayRead, let next = arrivals.first else { return block() }
    switch next {
    case .end: return .ended
    case .failure: return .failed(SystemError(code: 104))
    case .blocked:
      arrivals.removeFirst()
      return block()
    case .bytes(let bytes):
      let count = min(bytes.count, limit, buffer.tailroom)
      precondition(count > 0, "a read of nothing would look like the end")
      buffer.append(bytes.span.extracting(first: count))
      if count == bytes.count {
        arrivals.removeFirst()
      } else {
        arrivals[0] = .bytes(Array(bytes[count...]))
      }
      return .moved(count)
    }
  }

  private mutating func block() -> Transfer {
    mayRead = false
    return .blocked
  }

  mutating func write(from buffer: inout ByteBuffer, more: Bool) -> Transfer {
    guard mayWrite else { return .blocked }
    var count = buffer.count
    switch rooms.isEmpty ? .bytes(.max) : rooms.removeFirst() {
    case .failure: return .failed(SystemError(code: 32))
    case .blocked:
      mayWrite = false
      return .blocked
    case .bytes(let room): count = min(count, room)
    }
    written += copy(buffer.bytes.extracting(0..<count))
    buffer.consume(count)
    return .moved(count)
  }

  /// How many bytes of a posted message leave; nil when nothing can be posted.
  var postedRoom: Int?
  private var unsent: [UInt8] = []

  mutating func post(_ message: RawSpan) -> Bool {
    guard let postedRoom else { return false }
    let bytes = copy(message)
    written += bytes.prefix(postedRoom)
    unsent = Array(bytes.dropFirst(postedRoom))
    return true
  }

  var hasUnsent: Bool { !unsent.isEmpty }
  mutating func settle(isLast: Bool) -> Bool { unsent.isEmpty }

  /// The next bytes have been received as a message before they are read.
  var hasMessage = false

  mutating func passMessage(_ take: (RawSpan) -> Bool) -> Int {
    guard hasMessage, mayRead, case .bytes(let bytes) = arrivals.first else { return 0 }
    // SAFETY: a UInt8 has no padding that could be read.
    guard unsafe take(bytes.span.bytes) else { return 0 }
    hasMessage = false
    arrivals.removeFirst()
    mayRead = !arrivals.isEmpty
    return bytes.count
  }

  mutating func takeUnsent() -> [UInt8] {
    defer { unsent = [] }
    return unsent
  }

  private func copy(_ bytes: RawSpan) -> [UInt8] {
    // SAFETY: every bit pattern is a UInt8.
    unsafe bytes.withUnsafeBytes { unsafe Array($0) }
  }

  var readInterest: Interest { Interest(0, .read) }
  var writeInterest: Interest { Interest(0, .write) }
  var hangupInterest: Interest { Interest(0, .hangup) }
  var isBroken: Bool { false }
  mutating func close() {}
  var isHungUp: Bool { arrivals.first == .end || arrivals.first == .failure }
  var spliceSource: SpliceEnd? { nil }
  var spliceSink: SpliceEnd? { nil }

  func hasUnreadBytes() -> Bool {
    if case .bytes = arrivals.first { return true }
    return false
  }

  mutating func abort() { wasAborted = true }
  mutating func finishWriting() { hasFinishedWriting = true }
}
