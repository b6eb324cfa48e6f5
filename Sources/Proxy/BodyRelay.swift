// Moves the body of one message from the peer that sends it to the peer that is to have it: request
// bodies, response bodies and both directions of a tunnel are this one type.
//
// It is a pump without a wait in it: `pump` moves what can be moved now and says what it would have
// to wait for. Bytes are written before more are read, so what is in memory is bounded: one block
// while the sink keeps up, at most `highWater` bytes of blocks when it does not; then the source is
// left alone until there is room. Large bodies go through a pipe in the kernel (splice) as long as
// nobody needs to look at them.
import Bytes
import HTTP
import IO

/// Why a body could not be moved on.
enum RelayError: Error, Equatable {
  /// The source ended or broke before the body was complete.
  case sourceBroken
  /// The source's framing is wrong.
  case sourceMalformed
  /// The body is larger than the limit.
  case tooLarge
  /// The sink takes nothing more.
  case sinkBroken
}

/// One direction of an exchange.
struct BodyRelay: ~Copyable {
  /// What is still to come from the source.
  enum Source {
    case length(UInt64)
    case chunked(ChunkedDecoder)
    case untilClose
  }

  /// What `pump` reached.
  enum Step {
    /// All has been read and written.
    case finished
    /// Source, sink or both have to become ready first.
    case blocked
    /// There may be more to move, but others shall have their turn.
    case again
  }

  // In the order of their use: a request without a body, as most are, touches the first two or
  // three cache lines of a relay, and of a hundred connections each has its own (docs/decisions/0028).
  var output = OutputQueue()
  /// When the source last gave, or the sink last took, anything. One moment serves for both: while
  /// one side is waited for, the other is either paused or finished.
  private(set) var lastProgress: Moment
  /// Nothing more is to be read.
  private(set) var isInputEnded = true
  /// Whether anything was read from the source itself, so that it cannot be sent a second time.
  private(set) var hasReadSource = false
  /// Whether a last short packet may wait for what follows it: only in the middle of a large body
  /// that comes fast, where it saves a packet for every 64 KiB (MSG_MORE, SPLICE_F_MORE). A body
  /// that trickles is sent on at once.
  private(set) var expectsMore = false
  /// Whether the relay had only given up its turn, and was not waiting for its peers.
  private var goesOn = false
  /// Whether the sink gets the body in chunks; otherwise it gets its bytes as they are.
  private(set) var chunkedOutput = false
  /// The body has begun to go through a pipe, and is to go on so to its end.
  var hasSpliced = false
  /// False once the process had no descriptors left for a pipe.
  var maySplice = true
  /// Nobody ever looks at these bytes: they may be spliced although no one knows how many there are.
  var isRaw = false
  /// Raw bytes come fast enough for a pipe to be worth its two calls.
  var isBulk = false
  /// The last that came of a tunnel was small, so that the next is to be received as a message.
  var expectsMessage = true
  /// What few bodies need; nil until this one does.
  private(set) var extras: RelayExtras?
  let worker: WorkerState
  /// Bytes of body that have come from the source.
  var received: UInt64 = 0
  /// How large the body may be.
  private(set) var limit = UInt64.max
  /// How many bytes of blocks may wait for the sink before the source is paused.
  private(set) var highWater = 0
  var source = Source.untilClose

  /// How fast the sink is.
  private var pace = SinkPace()

  /// How many bytes are moved before others have their turn (docs/decisions/0010). The fewer relays
  /// want to go on, the more, since a long run of one body is a third cheaper than short runs of
  /// several. Of those that were just woken, which may be hundreds at once, only the first few move
  /// much. And none moves more than its sink has shown to be good for.
  private var share: Int {
    let others = worker.reactor.yieldedCount
    let fair =
      goesOn
      ? min(1_048_576, max(Self.crowded, 4_194_304 / (others + 1)))
      : others < 8 ? 262_144 : Self.crowded
    return min(fair, pace.perTurn(after: received, at: worker.reactor.now))
  }

  /// A relay with nothing to do.
  init(_ worker: WorkerState) {
    self.worker = worker
    lastProgress = worker.reactor.now
  }

  /// Begins with a body, forgetting the one before. A connection's two relays serve all its
  /// exchanges, because making a relay costs as much as parsing a head.
  mutating func start(
    _ framing: BodyFraming, chunkedOutput: Bool, highWater: Int, limit: UInt64 = .max
  ) {
    abandon()
    isInputEnded = false
    switch framing {
    case .none, .length(0):
      source = .length(0)
      isInputEnded = true
    case .length(let n): source = .length(n)
    case .chunked: source = .chunked(ChunkedDecoder())
    case .untilClose: source = .untilClose
    }
    self.chunkedOutput = chunkedOutput
    self.highWater = highWater
    self.limit = limit
    received = 0
    pace = SinkPace()
    hasSpliced = false
    isRaw = false
    isBulk = false
    expectsMessage = true
    hasReadSource = false
    lastProgress = worker.reactor.now
  }

  var isFinished: Bool { isInputEnded && !hasOutput }
  /// Whether bytes wait for the sink.
  var hasOutput: Bool { !output.isEmpty || bytesInPipe > 0 }
  var bytesInPipe: Int { extras?.bytesInPipe ?? 0 }
  /// Whether bytes behind the end of the body have come: the beginning of the next message.
  var hasSurplus: Bool { extras?.surplus.isEmpty == false }
  /// Whether more is wanted from the source now; false also while it is paused.
  var wantsInput: Bool { !isInputEnded && (!hasOutput || mayBuffer) }

  /// Whether the source has sent less than `rate` bytes a second since `start`, ten seconds ago or
  /// more.
  func isTooSlow(_ rate: Int, since start: Moment) -> Bool {
    guard rate > 0, wantsInput else { return false }
    let elapsed = worker.reactor.now.milliseconds - start.milliseconds
    return elapsed >= 10_000 && Int64(clamping: received) * 1000 < Int64(rate) * elapsed
  }

  /// Notes how many bytes the source gave in one piece.
  mutating func noteRead(_ count: Int) {
    hasReadSource = true
    isBulk = count >= Self.bulkThreshold
    noteProgress()
    let rest =
      switch source {
      case .length(let rest): rest
      case .chunked, .untilClose: extras?.chunkRun ?? 0
      }
    expectsMore = count >= 16384 && rest >= Self.spliceThreshold
  }

  /// Gives up the rest of the body: nothing more is read or written.
  mutating func abandon() {
    isInputEnded = true
    expectsMore = false
    output.removeAll()
    if extras != nil { extras = nil }
  }

  /// The extras, from now on there are some.
  mutating func makeExtras() -> RelayExtras {
    if let extras { return extras }
    let made = RelayExtras()
    extras = made
    return made
  }

  /// The bytes behind the end of the body.
  mutating func takeSurplus() -> ByteBuffer {
    var taken = ByteBuffer()
    if let extras { swap(&taken, &extras.surplus) }
    return taken
  }

  /// Moves what can be moved now.
  mutating func pump<From: ByteStream & ~Copyable, To: ByteStream & ~Copyable>(
    from: inout From, to: inout To
  ) throws(RelayError) -> Step {
    // What others have posted in this turn does not wait for a large body.
    if isBulk || hasSpliced { worker.reactor.sendPosted() }
    var drained = try flush(to: &to)
    if isInputEnded { return drained ? .finished : .blocked }
    var left = share
    while left > 0 {
      let before = received
      guard from.mayRead, drained || mayBuffer,
        try fill(from: &from, to: &to, drained: drained, limit: left)
      else { return pause(drained) }
      left -= max(Self.leastCount, Int(received - before))
      drained = try flush(to: &to)
      if isInputEnded { return drained ? .finished : .blocked }
    }
    guard from.mayRead, drained || mayBuffer else { return pause(drained) }
    goesOn = true
    return .again
  }

  /// Ends a turn after which one of the peers has to be waited for.
  private mutating func pause(_ drained: Bool) -> Step {
    goesOn = false
    if !drained { pace.noteFull(after: received, at: worker.reactor.now) }
    return .blocked
  }

  /// Writes what waits. True when nothing is left.
  mutating func flush<To: ByteStream & ~Copyable>(to: inout To) throws(RelayError) -> Bool {
    if let extras, extras.hasPipe, try !flushPipe(extras, to: &to) { return false }
    if output.isEmpty { return true }
    let before = output.written
    let outcome = output.write(to: &to, more: expectsMore)
    if output.written != before { noteProgress() }
    switch outcome {
    case .drained: return true
    case .blocked: return false
    case .failed: throw .sinkBroken
    }
  }

  /// Posts a message that is all there, composed in the worker's scratch block, so that the relay is
  /// finished (`ByteStream.post`). It is queued where it cannot be posted.
  mutating func postScratch<To: ByteStream & ~Copyable>(to: inout To) {
    if worker.scratch.withBytes({ output.post($0, to: &to) }) { return noteProgress() }
    var block = worker.borrow(fitting: worker.scratch.count)
    block.append(worker.scratch)
    output.append(block)
  }

  /// Takes back what did not leave of a message that was posted.
  @inline(never)
  mutating func takeBack<To: ByteStream & ~Copyable>(from sink: inout To) {
    var rest = worker.buffers.borrow(.small)
    rest.append(sink.takeUnsent())
    output.putBack(rest)
  }

  /// Empties the pipe, and gives it back where it is not needed. True when nothing is left in it.
  private mutating func flushPipe<To: ByteStream & ~Copyable>(
    _ extras: RelayExtras, to: inout To
  ) throws(RelayError) -> Bool {
    if extras.bytesInPipe > 0 {
      guard try drainPipe(to: &to) else { return false }
    }
    // In the middle of a chunk whose header has been sent there is no other way than the pipe.
    if extras.chunkRun == 0 || isInputEnded, let empty = extras.pipe.take() {
      worker.pipes.giveBack(empty)
    }
    return true
  }

  /// Whether there is room for another block while the sink is blocked.
  private var mayBuffer: Bool {
    // A chunk that has begun in the pipe goes on there.
    if let extras, extras.chunkRun > 0 { return false }
    if bytesInPipe > 0 {
      // What is in the pipe is enough to keep the sink busy; blocks are worth taking only when
      // that sets the source free.
      guard case .length(let rest) = source else { return false }
      return rest <= UInt64(highWater) && output.capacity < highWater
    }
    return output.isEmpty || output.capacity < highWater
  }

  private mutating func fill<From: ByteStream & ~Copyable, To: ByteStream & ~Copyable>(
    from: inout From, to: inout To, drained: Bool, limit: Int
  ) throws(RelayError) -> Bool {
    if drained, let source = from.spliceSource, to.spliceSink != nil, let run = spliceRun() {
      return try fillPipe(from: source, run, limit: limit)
    }
    return try fillBlock(from: &from)
  }

  /// Reads a block, understands it and queues it. False when nothing came.
  private mutating func fillBlock<From: ByteStream & ~Copyable>(
    from: inout From
  ) throws(RelayError) -> Bool {
    var block = worker.buffers.borrow(.large)
    block.reset(headroom: Self.headroom)
    if let extras { extras.putCarry(into: &block) }
    let known = block.count
    var most = block.tailroom - Self.tailReserve
    if case .length(let rest) = source, rest < UInt64(most) { most = Int(rest) }
    switch from.read(into: &block, limit: most) {
    case .moved(let n):
      try take(&block)
      noteRead(n)
      queue(block)
      return true
    case .blocked:
      if known > 0 { makeExtras().carry = block }
      return false
    case .ended:
      try endOfSource()
      return true
    case .failed:
      throw .sourceBroken
    }
  }

  /// Queues a block that `take` has understood.
  mutating func queue(_ block: consuming ByteBuffer) {
    output.append(block)
    guard let extras, extras.tail.hasBlock else { return }
    var end = ByteBuffer()
    swap(&end, &extras.tail)
    output.append(end)
  }

  mutating func noteProgress() { lastProgress = worker.reactor.now }

  mutating func endInput() { isInputEnded = true }

  mutating func endOfSource() throws(RelayError) {
    guard case .untilClose = source else { throw .sourceBroken }
    isInputEnded = true
    guard chunkedOutput else { return }
    var end = worker.buffers.borrow(.small)
    end.append("0\r\n\r\n")
    output.append(end)
  }

  /// Bytes that each transfer counts for, however few it moves.
  private static let leastCount = 65536
  /// Bytes that each of many relays moves in its turn: less than the 64 KiB in one round trip from
  /// which on the kernel widens the buffer it receives into.
  private static let crowded = 32768
  /// Room before received bytes for the header of a chunk: 16 digits and CRLF, rounded up.
  static let headroom = 32
  /// Room behind received bytes for the end of a chunk and the last chunk.
  static let tailReserve = 32
}
