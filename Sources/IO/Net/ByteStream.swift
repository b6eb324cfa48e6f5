// What the proxy asks of a connection, whatever carries it: TCP and Unix sockets today, TLS and
// HTTP/2 streams later. Every attempt is synchronous and says at once what moved; only the wait
// between two attempts suspends.
import Bytes

/// One end of a connection with one owner.
@usableFromInline
package protocol ByteStream: ~Copyable {
  /// Receives into the buffer's tailroom, at most `limit` bytes.
  mutating func read(into buffer: inout ByteBuffer, limit: Int) -> Transfer

  /// Sends from the front of the buffer and consumes what was sent.
  ///
  /// - Parameter more: more will follow at once, so a last short packet may wait for it (MSG_MORE).
  mutating func write(from buffer: inout ByteBuffer, more: Bool) -> Transfer

  /// Takes a small message that is all there is to write for now, and sends it at the end of the
  /// loop's turn together with those of other streams.
  ///
  /// - Returns: false when it has to be written in the ordinary way.
  mutating func post(_ message: RawSpan) -> Bool

  /// Sends what was posted in this turn at once.
  ///
  /// - Parameter isLast: `finishWriting` follows at once, so both may leave in one segment: the way
  ///   through the network's code, here and at the peer, is taken once less.
  /// - Returns: whether all of it has left.
  mutating func settle(isLast: Bool) -> Bool

  /// Whether something posted did not leave at the end of its turn; the wait that followed has ended
  /// for it.
  var hasUnsent: Bool { get }

  /// What of it did not leave, to be written in the ordinary way.
  mutating func takeUnsent() -> [UInt8]

  /// What to wait for after a blocked read.
  var readInterest: Interest { get }

  /// The same where a small message is expected and read as soon as the wait is over.
  var messageInterest: Interest { get }

  /// What to wait for after a blocked write.
  var writeInterest: Interest { get }

  /// What to wait for to learn that the peer has gone, without reading.
  var hangupInterest: Interest { get }

  /// Whether a read may find something; false after a blocked one until the stream wakes.
  var mayRead: Bool { get }

  /// Whether the peer has sent its FIN or the connection is broken.
  var isHungUp: Bool { get }

  /// Whether the connection is broken in both directions (RST).
  var isBroken: Bool { get }

  /// Lends the small message that was received for who waits for one (`messageInterest`) and is all
  /// there is for now. It counts as read when `take` has taken it.
  ///
  /// - Returns: how many bytes were taken; 0 when there is no such message, or it was left.
  mutating func passMessage(_ take: (RawSpan) -> Bool) -> Int

  /// The socket, when what comes may go past this program by splice(2); nil when something must see
  /// it, and while something that was received waits to be read.
  var spliceSource: SpliceEnd? { get }

  /// The socket, when bytes may be spliced to it; nil when something must change them, and while
  /// something that was posted is to leave before them.
  var spliceSink: SpliceEnd? { get }

  /// Looks whether bytes wait to be read, without reading them.
  mutating func hasUnreadBytes() -> Bool

  /// Makes the coming close look like a failure to the peer, not like an end (RST).
  mutating func abort()

  /// Closes now, before the stream's owner ends. Nothing may be asked of the stream afterwards.
  mutating func close()

  /// Tells the peer that nothing more will be sent (shutdown(2), close_notify).
  mutating func finishWriting()
}

extension ByteStream where Self: ~Copyable {
  package var messageInterest: Interest { readInterest }

  // A stream that has to change bytes before they leave writes them at once.
  package mutating func post(_ message: RawSpan) -> Bool { false }
  package mutating func settle(isLast: Bool) -> Bool { true }
  package mutating func settle() -> Bool { settle(isLast: false) }
  package var hasUnsent: Bool { false }
  package mutating func takeUnsent() -> [UInt8] { [] }
  package mutating func passMessage(_ take: (RawSpan) -> Bool) -> Int { 0 }

  /// The address of this end of the connection; nil when there is no socket.
  package var localAddress: SocketAddress? { Sockets.localAddress(of: readInterest.fd) }
}

/// A socket whose bytes may be moved by the kernel.
@usableFromInline
package struct SpliceEnd {
  let fd: Int32
  let reactor: Reactor
}
