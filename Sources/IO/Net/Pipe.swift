// A pipe in the kernel through which splice(2) moves bytes from one socket to another without
// copying them into the program: 3.7 GB per CPU-second against 2.5 by 64 KiB copies.
import CLinux
import Glibc

/// How many wide pipes a worker may still make. A wide pipe that a slow client leaves full pins a
/// mebibyte of the kernel's memory, and a user without privileges may have 64 MiB of pipes in all
/// (pipe(7), pipe-user-pages-soft).
final class WidePipes {
  static let size: Int32 = 1_048_576
  var left = 8
}

/// A pipe and the number of bytes in it. Closed when it ends.
package struct Pipe: ~Copyable {
  private let source: Descriptor
  private let sink: Descriptor
  /// How many bytes the pipe holds at most.
  package let capacity: Int
  /// Where its width is accounted for, if it is wide.
  private let allowance: WidePipes?
  /// How many bytes are in it.
  package private(set) var count = 0

  package init() throws(SystemError) { try self.init(allowance: nil) }

  /// A pipe that is wide if there is an allowance left and the system lets it be.
  init(allowance: WidePipes?) throws(SystemError) {
    var ends: (Int32, Int32) = (-1, -1)
    // SAFETY: pipe2 writes two Int32, which is what the tuple is.
    let result = unsafe withUnsafeMutableBytes(of: &ends) { raw in
      guard let base = unsafe raw.assumingMemoryBound(to: Int32.self).baseAddress else {
        return Int32(-EINVAL)
      }
      return unsafe clinux_pipe(base)
    }
    if result < 0 { throw SystemError(code: -result) }
    source = Descriptor(adopting: ends.0)
    sink = Descriptor(adopting: ends.1)
    if let allowance, allowance.left > 0,
      clinux_set_pipe_size(ends.1, WidePipes.size) >= WidePipes.size
    {
      allowance.left -= 1
      self.allowance = allowance
    } else {
      self.allowance = nil
    }
    capacity = max(4096, Int(clinux_pipe_size(ends.1)))
  }

  deinit { allowance?.left += 1 }

  package var isEmpty: Bool { count == 0 }

  /// Moves at most `limit` bytes from a socket into the pipe.
  ///
  /// - Precondition: the pipe is empty. A full pipe and an empty socket give the same EAGAIN, and
  ///   taking one for the other would wait for an edge that never comes.
  package mutating func fill(from end: SpliceEnd, limit: Int) -> Transfer {
    precondition(isEmpty)
    guard end.reactor.isReady(end.fd, for: .read) else { return .blocked }
    let n = clinux_splice_in(end.fd, sink.number, limit)
    if n > 0 { count += n }
    return outcome(n, of: end, .read)
  }

  /// Moves bytes from the pipe to a socket.
  package mutating func drain(to end: SpliceEnd, more: Bool) -> Transfer {
    let n = clinux_splice_out(source.number, end.fd, count, more ? 1 : 0)
    if n > 0 { count -= n }
    return outcome(n, of: end, .write)
  }

  private func outcome(_ n: Int, of end: SpliceEnd, _ side: Readiness) -> Transfer {
    if n > 0 { return .moved(n) }
    if n == 0 { return .ended }
    let error = SystemError(code: Int32(-n))
    guard error.code == EAGAIN || error.code == EINTR else { return .failed(error) }
    if error.code == EAGAIN { end.reactor.clear(end.fd, side) }
    return .blocked
  }
}

/// A worker's free pipes, so that a large body does not begin with two system calls.
///
/// Worker-confined. At most 64 are kept; a pipe that still holds bytes is closed, not kept. The
/// first eight are wide: the more one splice moves, the cheaper is each byte (docs/decisions/0012).
package final class PipePool {
  private var free: [Storage] = []
  private let allowance = WidePipes()

  private final class Storage {
    var pipe: Pipe?
    init(_ pipe: consuming Pipe) { self.pipe = consume pipe }
  }

  package init() {}

  /// How many pipes are kept.
  package var count: Int { free.count }

  /// An empty pipe; nil when the process has no descriptors left for one.
  package func borrow() -> Pipe? {
    if let pipe = free.popLast()?.pipe.take() { return pipe }
    return try? Pipe(allowance: allowance)
  }

  package func giveBack(_ pipe: consuming Pipe) {
    guard pipe.isEmpty, free.count < 64 else { return }
    free.append(Storage(pipe))
  }
}
