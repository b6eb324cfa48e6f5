// Room for more of what has come in part: the first bytes of a connection, and heads.
import Bytes

extension BufferPool {
  /// Makes room behind a buffer's bytes: at its block's front, or in a large block.
  ///
  /// - Returns: false when no block holds more.
  func makeRoom(in buffer: inout ByteBuffer) -> Bool {
    if buffer.tailroom > 0 { return true }
    if buffer.headroom > 0 {
      buffer.compact()
      return true
    }
    if buffer.capacity >= BlockSize.large.rawValue { return false }
    var larger = borrow(.large)
    larger.append(buffer)
    buffer = larger
    return true
  }
}
