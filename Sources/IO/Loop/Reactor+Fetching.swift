// Small messages that are received together at the beginning of a turn: the counterpart of posting.
//
// A task that was woken for a message would first receive it, and the kernel's code for that would
// take our code's place in the cache, once for each task. So the reactor receives for all of them
// before any runs (docs/decisions/0029).

import Bytes
import CLinux
import Glibc

/// Where in the inbox lies what was received for a descriptor.
@usableFromInline
struct Fetched {
  @usableFromInline var offset: UInt16 = 0
  /// How many bytes; 0 for nothing, `failure` for an error whose number is in `offset`.
  @usableFromInline var count: UInt16 = 0

  static var failure: UInt16 { .max }
}

/// What was received in this turn and was not read yet. Worker-confined.
struct Inbox: ~Copyable {
  var bytes = BufferPool(keeping: 1).borrow(.large)
  /// How many descriptors have something here. Only when that is none is the block used anew.
  var untaken = 0
}

extension Slot {
  /// Takes from the front of what was received.
  ///
  /// - Returns: whether that was all.
  @inline(__always)
  fileprivate mutating func takeFetched(_ count: Int) -> Bool {
    if count < Int(fetched.count) {
      fetched.offset += UInt16(count)
      fetched.count -= UInt16(count)
      return false
    }
    // As after a short read: the socket is empty, and the next bytes make an edge, or have made one.
    if ready.isDisjoint(with: [.hangup, .failure, .more]) { ready.subtract(.read) }
    ready.subtract(.more)
    fetched = Fetched()
    return true
  }

  /// Notes what a receive found.
  ///
  /// - Parameter n: how many bytes, not 0, or -errno.
  @inline(__always)
  fileprivate mutating func noteFetched(_ n: Int, at offset: Int) {
    if n == Reactor.smallMessage { ready.insert(.more) }
    fetched =
      n > 0
      ? Fetched(offset: UInt16(truncatingIfNeeded: offset), count: UInt16(truncatingIfNeeded: n))
      : Fetched(offset: UInt16(clamping: -n), count: Fetched.failure)
  }
}

extension Reactor {
  /// Receives for the task that waits for a message on a descriptor which can be read.
  ///
  /// - Returns: whether there is something to be read: bytes, an end or an error.
  func fetch(_ fd: Int32) -> Bool {
    // A message begins where there is room for the largest, so that its offset fits in 16 bits.
    guard slots[fd].fetched.count == 0, inbox.bytes.tailroom > Self.smallMessage else {
      return true
    }
    let offset = inbox.bytes.count
    // SAFETY: recv writes at most `room.count` bytes into the room.
    let n = unsafe inbox.bytes.appendUnsafe(limit: Self.smallMessage) { room in
      guard let base = room.baseAddress else { return Int(-ENOBUFS) }
      return unsafe clinux_recv(fd, base, room.count)
    }
    if n == 0 { return true }
    if n == Int(-EAGAIN) {
      clear(fd, .read)
      return false
    }
    inbox.untaken &+= 1
    // The offset fits, as the inbox is less than 64 KiB, and so does a small message's length.
    slots[fd].noteFetched(n, at: offset)
    return true
  }

  /// Whether something was received that has not been read.
  @inlinable
  @inline(__always)
  func hasFetched(_ fd: Int32) -> Bool { slots[fd].fetched.count != 0 }

  /// Moves what was received to where its task wants it.
  ///
  /// - Returns: how many bytes, or -errno.
  @inline(__always)
  func takeFetched(_ fd: Int32, into buffer: inout ByteBuffer, limit: Int) -> Int {
    let fetched = slots[fd].fetched
    if fetched.count == Fetched.failure {
      dropFetched(fd)
      return -Int(fetched.offset)
    }
    let count = min(Int(fetched.count), limit, buffer.tailroom)
    guard count > 0 else { return Int(-ENOBUFS) }
    let start = Int(fetched.offset)
    buffer.append(inbox.bytes, start..<start &+ count)
    if slots[fd].takeFetched(count) { inbox.untaken &-= 1 }
    return count
  }

  /// Lends a message that was received and is all there is, to be taken in full or left.
  ///
  /// - Returns: how many bytes were taken, or 0.
  @inline(__always)
  func passFetched(_ fd: Int32, _ take: (RawSpan) -> Bool) -> Int {
    let count = Int(slots[fd].fetched.count)
    // There may be more behind a message of full length, and an error has a length above that.
    guard count > 0, count < Self.smallMessage else { return 0 }
    let start = Int(slots[fd].fetched.offset)
    let isTaken = inbox.bytes.withBytes { take($0.extracting(start..<start &+ count)) }
    guard isTaken else { return 0 }
    if slots[fd].takeFetched(count) { inbox.untaken &-= 1 }
    return count
  }

  /// Keeps an error that was met after bytes which have to be read first: the kernel tells it once.
  func keepFailure(_ code: Int32, of fd: Int32) {
    inbox.untaken += 1
    slots[fd].fetched = Fetched(offset: UInt16(clamping: code), count: Fetched.failure)
  }

  /// Forgets what was received.
  @inline(__always)
  func dropFetched(_ fd: Int32) {
    if slots[fd].fetched.count == 0 { return }
    slots[fd].fetched = Fetched()
    slots[fd].ready.subtract(.more)
    inbox.untaken -= 1
  }

  /// A new turn begins.
  func renewInbox() {
    if inbox.untaken == 0 { inbox.bytes.reset() }
  }
}
