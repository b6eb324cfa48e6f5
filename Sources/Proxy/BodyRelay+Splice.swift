// The way of large bodies: from socket to pipe to socket, inside the kernel.
import Bytes
import HTTP
import IO

extension BodyRelay {
  /// Bodies, or chunks, shorter than this are copied: two splices cost more than one copy.
  static let spliceThreshold: UInt64 = 65536
  /// Of a tunnel, nobody knows how much will come: it is spliced while it comes in pieces as large as
  /// this. What people type and servers answer is copied, which is cheaper (docs/decisions/0026).
  static let bulkThreshold = 32768

  /// How many bytes may be spliced next; nil when something has to look at them.
  mutating func spliceRun() -> UInt64? {
    guard maySplice, extras?.carry.isEmpty ?? true else { return nil }
    switch source {
    case .length(let rest):
      guard !chunkedOutput, rest >= Self.spliceThreshold || (hasSpliced && rest > 0) else {
        return nil
      }
      return preparePipe() ? rest : nil
    case .chunked(let decoder):
      if let extras, extras.chunkRun > 0 { return extras.chunkRun }
      guard decoder.remainingInChunk >= Self.spliceThreshold, preparePipe() else { return nil }
      let run = decoder.remainingInChunk
      makeExtras().chunkRun = run
      if chunkedOutput { queueChunkHeader(run) }
      return run
    case .untilClose:
      return isRaw && isBulk && preparePipe() ? .max : nil
    }
  }

  /// Makes sure there is a pipe; false when the process has no descriptors left for one.
  private mutating func preparePipe() -> Bool {
    if let extras, extras.hasPipe { return true }
    guard let fresh = worker.pipes.borrow() else {
      maySplice = false
      return false
    }
    makeExtras().pipe = consume fresh
    return true
  }

  private mutating func queueChunkHeader(_ size: UInt64) {
    var header = worker.buffers.borrow(.small)
    header.append(hexadecimal: size)
    header.append("\r\n")
    output.append(header)
  }

  /// Moves at most `run` bytes, and at most `limit`, into the pipe. False when nothing came.
  mutating func fillPipe(
    from end: SpliceEnd, _ run: UInt64, limit: Int
  ) throws(RelayError) -> Bool {
    // The header of a chunk goes first.
    guard output.isEmpty else { return true }
    guard let extras else { return false }
    let most = min(Int(clamping: run), extras.pipe?.capacity ?? 0, limit)
    switch extras.pipe?.fill(from: end, limit: most) {
    case .moved(let n):
      hasSpliced = true
      try count(spliced: UInt64(n))
      noteRead(n)
      // There may be more than a slow sink is given.
      if n == most { isBulk = true }
      return true
    case .blocked, nil:
      return false
    case .ended:
      try endOfSource()
      return true
    case .failed:
      throw .sourceBroken
    }
  }

  private mutating func count(spliced n: UInt64) throws(RelayError) {
    received += n
    if received > limit { throw .tooLarge }
    switch source {
    case .length(let rest):
      source = .length(rest - n)
      if rest == n { endInput() }
    case .chunked(var decoder):
      decoder.skip(n)
      source = .chunked(decoder)
      extras?.chunkRun -= n
    case .untilClose:
      break
    }
  }

  /// Writes the pipe empty. False when the sink takes no more.
  mutating func drainPipe<To: ByteStream & ~Copyable>(to: inout To) throws(RelayError) -> Bool {
    guard let end = to.spliceSink else { throw .sinkBroken }
    guard let extras else { return true }
    while extras.bytesInPipe > 0 {
      switch extras.pipe?.drain(to: end, more: expectsMore) {
      case .moved: noteProgress()
      case .blocked, nil: return false
      case .ended, .failed: throw .sinkBroken
      }
    }
    if extras.chunkRun == 0, chunkedOutput { queueChunkEnd() }
    return true
  }

  private mutating func queueChunkEnd() {
    var end = worker.buffers.borrow(.small)
    end.append("\r\n")
    output.append(end)
  }
}
