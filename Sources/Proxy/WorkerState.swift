// Everything a worker owns, in one place: what its tasks share, and no other worker touches.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import TLS
import Telemetry

/// The state of one worker. Worker-confined: not Sendable, not locked.
package final class WorkerState {
  package let reactor: Reactor
  let buffers = BufferPool()
  let pipes = PipePool()
  let requests = HeadPool<RequestHead> { RequestHead() }
  /// What connections have while they have no response; stays empty.
  let noResponse: ResponseHead
  let responses: ResponsePool
  /// Where requests go; replaced as a whole by a reload. Exchanges hold on to the route they began with.
  private(set) var inForce: PlanInForce
  var plan: Plan {
    get { inForce.plan }
    set { inForce = PlanInForce(plan: newValue) }
  }
  /// The plan that a reload is about to put in its place.
  var prepared: Plan?
  /// What authorities are shown while orders are under way; nil when there is none.
  var challenges: ChallengeTable?
  /// What regular expressions write to while they are searched for.
  let matcher = Matcher()
  /// For values in fields that cannot be sent.
  var fieldLimiter = LogLimiter(milliseconds: 10_000)
  /// For expressions that met a limit.
  var matcherLimiter = LogLimiter(milliseconds: 10_000)
  /// For connections that begin with something that cannot be read.
  var preambleLimiter = LogLimiter(milliseconds: 10_000)
  /// What upstreams use of the worker.
  let upstreamContext: UpstreamContext
  /// Where heads are composed before they are put in front of a body. Used between two waits only.
  var scratch: ByteBuffer
  /// Where trailers wait until the body before them has been framed.
  var trailerScratch: ByteBuffer
  var identifiers = RequestIdentifiers()
  /// Client connections that exist, busy or parked.
  var connections = 0
  /// How many there may be.
  var maxConnections: Int
  /// Set once the worker shall stop: connections end after the exchange they are in.
  var isDraining = false
  var listeners = ListenerTable()
  /// Tunnels, which outlive many a configuration.
  var tunnels: [ObjectIdentifier: TunnelRecord] = [:]
  /// The clients of WebSockets are told to go: the process ends soon.
  var leavesTunnels = false
  /// Called while draining, when the last listener and the last connection have ended.
  var whenDrained: (() -> Void)?
  /// Connections that were parked since memory was last given back to the system.
  var parkedSinceTrim = 0
  /// The number clients are parked with.
  let clientKeeper: UInt16
  let parkedClients: ParkedClients
  /// What is known of those parked clients whose sockets do not tell everything.
  var parkedFacts = ParkedFacts()
  /// Tasks that have served a connection and wait for the next: a burst finds them. Each keeps some
  /// 5 KiB.
  let reserve = TaskReserve<Arrival>(limit: 64)
  /// What housekeeping sleeps on; nil when the process had no descriptor left for it.
  let alarm: Alarm?
  private var clock = WallClock()

  init(
    _ configuration: Configuration, _ loop: EventLoop, maxConnections: Int = .max,
    commons: Commons = Commons()
  ) {
    self.maxConnections = maxConnections
    reactor = Reactor(for: loop)
    noResponse = ResponseHead()
    responses = ResponsePool(leaving: noResponse)
    alarm = try? Alarm(on: reactor)
    scratch = buffers.borrow(.large)
    trailerScratch = buffers.borrow(.small)
    parkedClients = ParkedClients()
    clientKeeper = reactor.add(parkedClients)
    upstreamContext = UpstreamContext(reactor, loop, commons)
    let tables = PlanTables(configuration, RouteFunctions.orNone(of: configuration))
    inForce = PlanInForce(plan: Plan(configuration, tables, upstreamContext))
  }

  /// Blocks that the worker itself holds: the two scratch blocks.
  static let ownBlocks = 2

  /// A block of `buffers`.
  func borrow(_ size: BlockSize) -> ByteBuffer { buffers.borrow(size) }

  /// A block of the smallest size that holds so many bytes; the largest where none does.
  func borrow(fitting count: Int) -> ByteBuffer {
    let size: BlockSize =
      count <= BlockSize.small.rawValue
      ? .small : count <= BlockSize.large.rawValue ? .large : .huge
    return buffers.borrow(size)
  }

  /// Lends a head in exchange for `noResponse`.
  func lendResponse(to place: inout ResponseHead) {
    if place === noResponse { responses.lend(to: &place) }
  }

  /// Takes a head back, if one was lent.
  func takeBackResponse(from place: inout ResponseHead) {
    if place !== noResponse { responses.takeBack(from: &place) }
  }

  /// The time of day in seconds since 1970, read once a turn at most.
  var unixSeconds: Int64 { clock.unixSeconds(at: reactor.now) }

  /// The name of this machine.
  private(set) lazy var hostname = WallClock.hostname()
}

/// A worker's free heads, with the storage of their fields. Worker-confined; keeps at most 256. The one
/// given back last is lent first.
final class HeadPool<Head: AnyObject> {
  private var free: [Head] = []
  private let make: () -> Head

  init(_ make: @escaping () -> Head) { self.make = make }

  // A function of its own: as a part of its caller it would count the pool.
  @inline(never)
  func borrow() -> Head { free.popLast() ?? make() }

  func giveBack(_ head: Head) {
    if free.count < 256 { free.append(head) }
  }
}

/// A worker's free heads of responses, lent for as long as a response is passed on. Worker-confined;
/// keeps at most 256. The one given back last is lent first.
///
/// The borrower leaves here what it has without a response, and gets it back for the head: so no
/// references are counted.
final class ResponsePool {
  /// What every borrower has left.
  private let none: ResponseHead
  /// The head that nearly every response has: the one given back last, or what its borrower left.
  private var spare = ResponseHead()
  /// Other free heads, then what borrowers have left.
  private var heads: [ResponseHead] = []
  private var free = 0

  init(leaving none: ResponseHead) { self.none = none }

  /// Puts a head in `place`.
  @inline(__always)
  func lend(to place: inout ResponseHead) {
    if spare !== none { swap(&place, &spare) } else { lendOther(to: &place) }
  }

  /// Takes the head from `place`, where it puts what somebody has left here.
  @inline(__always)
  func takeBack(from place: inout ResponseHead) {
    if spare === none { swap(&place, &spare) } else { takeBackOther(from: &place) }
  }

  @inline(never)
  private func lendOther(to place: inout ResponseHead) {
    if free == 0 {
      heads.append(place)
      place = ResponseHead()
    } else {
      free -= 1
      swap(&place, &heads[free])
    }
  }

  @inline(never)
  private func takeBackOther(from place: inout ResponseHead) {
    if free < 256 {
      swap(&place, &heads[free])
      free += 1
    } else {
      place = heads.removeLast()
    }
  }
}
