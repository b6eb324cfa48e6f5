// What the tests of Proxy share: a worker without a thread, a relay driven to its end, a decoder of
// chunked bodies that has nothing in common with the one under test, and numbers that look random.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import Testing

@testable import Proxy

/// A worker's state for code that never waits; its loop is not run.
func quietWorker(
  _ server: ServerAddress = .ip(host: "127.0.0.1", port: 8888), _ options: RouteOptions = .init()
) -> WorkerState {
  WorkerState(configuration(server, options), EventLoop())
}

/// A plan of a worker whose loop is not run.
func quietPlan(_ configuration: Configuration) -> Plan {
  let loop = EventLoop()
  return Plan(
    configuration, PlanTables(configuration, nil),
    UpstreamContext(Reactor(for: loop), loop, Commons()))
}

/// One site, one route, one server.
func configuration(
  _ server: ServerAddress, _ options: RouteOptions = .init(), _ upstream: UpstreamOptions = .init()
) -> Configuration {
  Configuration(
    listeners: [ListenerConfiguration(address: .any(port: 8000))],
    upstreams: [
      UpstreamConfiguration(
        name: "app", servers: [ServerConfiguration(address: server)], options: upstream)
    ],
    sites: [
      SiteConfiguration(
        names: [.any],
        routes: [
          RouteConfiguration(
            pattern: .prefix([0x2f]), action: .proxy(upstream: 0), options: options)
        ])
    ])
}

extension Plan {
  /// The route that `configuration` makes, when it is there.
  func route() -> RoutePlan? {
    guard case .destination(.proxy(let route), _) = find(host: "a.example", path: "/") else {
      return nil
    }
    return route
  }

  /// As a request finds its route.
  func find(host: String, path: String) -> Answer {
    let matcher = Matcher()
    return Array(host.utf8).withBytes { host in
      Array(path.utf8).withBytes { path in find(host: host, path: path, matcher) }
    }
  }
}

/// How a relay ended, and what reached the sink by then.
struct RelayEnd: Equatable {
  var output: [UInt8]
  var error: RelayError?
  /// Blocks that the relay held at most between two pumps.
  var mostBlocks: Int
  var text: String { String(decoding: output, as: UTF8.self) }
}

/// Pumps until the relay is finished, fails, or can never go on because the script of `from` is
/// over (then `stalled` is recorded as an issue).
func run(
  _ relay: inout BodyRelay, _ from: inout MemoryStream, _ to: inout MemoryStream,
  _ location: SourceLocation = #_sourceLocation
) -> RelayEnd {
  let buffers = relay.worker.buffers
  let before = buffers.lent
  var most = 0
  var stalls = 0
  while stalls < 3 {
    do throws(RelayError) {
      let step = try relay.pump(from: &from, to: &to)
      most = max(most, buffers.lent - before)
      switch step {
      case .finished: return RelayEnd(output: to.written, mostBlocks: most)
      case .again: stalls = 0
      case .blocked:
        stalls = from.arrivals.isEmpty && to.rooms.isEmpty ? stalls + 1 : 0
        from.wake()
        to.wake()
      }
    } catch {
      return RelayEnd(output: to.written, error: error, mostBlocks: most)
    }
  }
  Issue.record("the relay waits for ever", sourceLocation: location)
  return RelayEnd(output: to.written, mostBlocks: most)
}

/// Relays a body that arrives as the script says to a sink that takes everything.
func relayed(
  _ framing: BodyFraming, chunkedOutput: Bool, limit: UInt64 = .max,
  _ arrivals: [MemoryStream.Arrival], _ location: SourceLocation = #_sourceLocation
) -> RelayEnd {
  var relay = BodyRelay(
    framing, chunkedOutput: chunkedOutput, highWater: 262_144, limit: limit, quietWorker())
  var from = MemoryStream(arrivals)
  var to = MemoryStream()
  return run(&relay, &from, &to, location)
}

/// A buffer with headroom and these bytes, as a head's rest is given to a relay.
func block(_ text: String, _ worker: WorkerState) -> ByteBuffer {
  var block = worker.buffers.borrow(.large)
  block.reset(headroom: BodyRelay.headroom)
  block.append(text)
  return block
}

/// A chunked body as a strict reader sees it; nil when it is not exactly one whole body.
///
/// Written from RFC 9112 7.1 with array searches, unlike the decoder that it checks.
struct DecodedBody: Equatable {
  var data: [UInt8] = []
  var trailers: [String] = []

  init(data: [UInt8], trailers: [String] = []) {
    self.data = data
    self.trailers = trailers
  }

  init?(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while true {
      guard let line = Self.line(&rest), let size = Int(line, radix: 16) else { return nil }
      if size == 0 { break }
      guard rest.count >= size + 2 else { return nil }
      data += rest.prefix(size)
      rest = rest.dropFirst(size)
      guard Self.line(&rest) == "" else { return nil }
    }
    while let line = Self.line(&rest) {
      if line.isEmpty {
        if rest.isEmpty { return }
        return nil
      }
      trailers.append(line)
    }
    return nil
  }

  /// Takes a line with its CRLF off the front.
  private static func line(_ rest: inout ArraySlice<UInt8>) -> String? {
    guard let lineFeed = rest.firstIndex(of: 10), lineFeed > rest.startIndex,
      rest[lineFeed - 1] == 13
    else { return nil }
    defer { rest = rest[(lineFeed + 1)...] }
    return String(decoding: rest[rest.startIndex..<lineFeed - 1], as: UTF8.self)
  }
}

/// Numbers that look random and are the same in every run (xorshift64, Marsaglia 2003).
struct SameNumbers: RandomNumberGenerator {
  private var state: UInt64

  /// - Precondition: the seed is not 0.
  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

/// So many bytes, no two stretches of 4 KiB alike.
func pattern(_ count: Int, from first: Int = 0) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  for i in 0..<count {
    bytes[i] = UInt8(truncatingIfNeeded: (i &+ first) &* 31 &+ (i &+ first) >> 8)
  }
  return bytes
}

/// The readable bytes.
func bytes(of buffer: borrowing ByteBuffer) -> [UInt8] {
  // SAFETY: every bit pattern is a UInt8.
  buffer.withBytes { span in unsafe span.withUnsafeBytes { unsafe Array($0) } }
}

/// The readable bytes as text.
func text(of buffer: borrowing ByteBuffer) -> String {
  String(decoding: bytes(of: buffer), as: UTF8.self)
}

extension BodyRelay {
  /// A relay that has begun with a body.
  init(
    _ framing: BodyFraming, chunkedOutput: Bool, highWater: Int, limit: UInt64 = .max,
    _ worker: WorkerState
  ) {
    self.init(worker)
    start(framing, chunkedOutput: chunkedOutput, highWater: highWater, limit: limit)
  }
}

/// What upstreams need of a worker, for code that never waits.
func quietContext(_ commons: Commons = Commons()) -> UpstreamContext {
  let loop = EventLoop()
  return UpstreamContext(Reactor(for: loop), loop, commons)
}
