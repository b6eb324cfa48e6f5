// Where the frames of a WebSocket begin and end (RFC 6455 5.2), so that a frame of the proxy's own can be
// put between two of them. Nothing in them is understood otherwise.
import Bytes
import HTTP

/// One direction of a WebSocket, read along with the bytes that pass. A pure value.
struct WebSocketFrames {
  /// A frame that says "going away": FIN and opcode 8, two bytes of payload, the code 1001.
  /// RFC 6455 5.5.1, 7.4.1; a server's frames are not masked. It may also stand between the
  /// fragments of a message: RFC 6455 5.4.
  static let goingAway: [UInt8] = [0x88, 0x02, 0x03, 0xE9]

  /// Bytes of the present frame's header that have been read; 0 between frames and in a payload.
  private var headerRead = 0
  private var opcode: UInt8 = 0
  /// Where the length ends in the header, and where the header does.
  private var lengthEnd = 2
  private var headerLength = 2
  private var length: UInt64 = 0
  /// Bytes of the present frame's payload that are still to come.
  private var rest: UInt64 = 0

  /// A close frame has begun: nothing may follow it.
  private(set) var saidClose = false

  /// Whether the last frame is complete.
  var isBetweenFrames: Bool { headerRead == 0 && rest == 0 }

  /// Reads along.
  mutating func follow(_ bytes: RawSpan) {
    var position = 0
    while position < bytes.byteCount { position = endOfFrame(bytes, from: position) }
  }

  /// Reads on to the end of the present frame, or of the next one between two frames.
  ///
  /// - Returns: where it ends; `byteCount` when it goes on behind the bytes.
  mutating func endOfFrame(_ bytes: RawSpan, from start: Int) -> Int {
    var position = start
    while position < bytes.byteCount {
      if rest > 0 {
        let count = min(rest, UInt64(bytes.byteCount - position))
        rest -= count
        position += Int(count)
      } else {
        readHeader(bytes[position])
        position += 1
      }
      if isBetweenFrames { return position }
    }
    return position
  }

  private mutating func readHeader(_ byte: UInt8) {
    switch headerRead {
    case 0:
      opcode = byte & 15
    case 1:
      let short = byte & 127
      let extra = short == 127 ? 8 : short == 126 ? 2 : 0
      length = extra == 0 ? UInt64(short) : 0
      // Behind the length is the mask, if there is one.
      lengthEnd = 2 + extra
      headerLength = lengthEnd + (byte & 128 == 0 ? 0 : 4)
      if opcode == 8 { saidClose = true }
    case ..<lengthEnd:
      length = length << 8 | UInt64(byte)
    default: break
    }
    headerRead += 1
    if headerRead >= 2, headerRead == headerLength {
      headerRead = 0
      rest = length
    }
  }
}

extension BodyRelay {
  /// What is relayed are the frames of a server's WebSocket.
  mutating func followFrames(from first: RawSpan) {
    var frames = WebSocketFrames()
    frames.follow(first)
    makeExtras().frames = frames
  }

  /// Ends a WebSocket towards the client: a close frame goes out behind the frame that is under way,
  /// and nothing after it. What the server sends from then on is not read.
  mutating func sayGoingAway() {
    guard !isInputEnded, let extras, let frames = extras.frames else { return }
    guard frames.isBetweenFrames else {
      extras.isLeaving = true
      return
    }
    if !frames.saidClose {
      var goodbye = worker.buffers.borrow(.small)
      goodbye.append(WebSocketFrames.goingAway)
      output.append(goodbye)
    }
    endInput()
  }

  /// Reads along with a block of a WebSocket; ends it at the first end of a frame when leaving.
  mutating func takeFrames(_ block: inout ByteBuffer, _ extras: RelayExtras) {
    guard extras.isLeaving else {
      extras.frames?.follow(block.bytes)
      return
    }
    let end = extras.frames?.endOfFrame(block.bytes, from: 0) ?? 0
    block.truncate(block.count - end)
    guard extras.frames?.isBetweenFrames == true else { return }
    // There is room: see `tailReserve`.
    if extras.frames?.saidClose == false { block.append(WebSocketFrames.goingAway) }
    endInput()
  }
}
