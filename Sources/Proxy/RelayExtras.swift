// What a body relay holds beside its queue of output: bytes that were cut in an awkward place, a pipe,
// the frames of a WebSocket. Few bodies need any of it, so it is an object that few relays have.
import Bytes
import IO

/// The parts of a relay that bodies need which are large, chunked or not followed by silence.
/// Worker-confined; one relay's.
final class RelayExtras {
  /// Bytes that were received but cannot be understood without the next ones.
  var carry = ByteBuffer()
  /// The end of a body that found no room behind the data in its block.
  var tail = ByteBuffer()
  /// Bytes behind the end of the body: the beginning of the next message.
  var surplus = ByteBuffer()
  /// The pipe, while there are bytes in it: an empty one is the next relay's, still warm.
  var pipe: Pipe?
  /// What is left of a large chunk whose header has been written and whose data is spliced.
  var chunkRun: UInt64 = 0
  /// The frames of a WebSocket that is relayed; nil of anything else.
  var frames: WebSocketFrames?
  /// A WebSocket is to end behind the frame that is under way.
  var isLeaving = false

  var hasPipe: Bool { pipe != nil }

  var bytesInPipe: Int {
    switch pipe {
    case .some(let pipe): pipe.count
    case .none: 0
    }
  }

  /// Puts what was carried into a block, in front of what comes next.
  func putCarry(into block: inout ByteBuffer) {
    if carry.isEmpty { return }
    block.append(carry.bytes)
    carry = ByteBuffer()
  }
}
