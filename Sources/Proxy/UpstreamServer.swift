// One server of an upstream as one worker knows it.
import Balancing
import Configuration
import IO

/// A server. Worker-confined; found again by `identity` when the members of its upstream change, so
/// requests that are with it go on counting where they began. One that is no member any more lives
/// until its last request has ended.
final class UpstreamServer {
  private(set) var member: Member
  let identity: UInt64
  let pool: ServerPool<TCPStream>
  /// Where it is spoken to by TLS.
  let secure: SecureServer?
  /// How a Host field names it.
  let authority: String
  /// Where it stands among its upstream's servers; below zero when it is none of them any more.
  var index = -1
  /// Places over all workers, where it has a limit.
  private(set) var places: Places?
  /// Attempts made with it.
  var requests = 0
  /// Those that failed or were answered with a 5xx.
  var failures = 0
  /// The Set-Cookie line of a client whose session is here; empty where there are no sessions.
  var cookieLine: [UInt8] = []

  init(_ member: Member, _ options: UpstreamOptions, _ context: UpstreamContext) {
    self.member = member
    identity = member.identity
    pool = ServerPool(options, with: context.keeper)
    secure = member.isTLS ? SecureServer(options, context) : nil
    authority = (try? ServerAddress(member.name))?.authority ?? member.name
  }

  /// What is configured for it has changed, or is known now.
  func adopt(_ member: Member, _ options: UpstreamOptions, _ line: WaitingLine?) {
    self.member = member
    pool.adopt(options)
    secure?.pool.adopt(options)
    if member.maxConnections == nil {
      places = nil
    } else if places == nil {
      places = line?.places(at: identity)
    }
  }

  /// It is no member any more.
  func retire() {
    index = -1
    pool.close()
    secure?.pool.close()
  }

  /// A kept connection that did not begin with a PROXY header.
  func takeIdle() -> ServerConnection<TCPStream>? { pool.takeIdle() }

  /// Keeps a connection of its own, whose last response is complete.
  func keep<Stream: ServerStream & ~Copyable>(
    _ connection: ServerConnection<Stream>, for seconds: UInt32?
  ) {
    Stream.keep(connection, of: self, for: seconds)
  }

  /// Tells its upstream how it has done.
  func note(_ outcome: Outcome, at upstream: UpstreamPlan, latency: Int64?) {
    upstream.note(outcome, of: self, latency: latency)
  }

  func closeIdle() {
    pool.closeIdle()
    secure?.pool.closeIdle()
  }

  var idleCount: Int { pool.idleCount + (secure?.pool.idleCount ?? 0) }

  /// What the balancer keeps of it.
  var state: ServerState {
    ServerState(
      identity: identity, weight: UInt16(clamping: member.weight), isBackup: member.isBackup,
      maxConnections: member.maxConnections.map { Int32(clamping: $0) } ?? .max)
  }
}

/// A request's time with a server, from the choice until the server is free again.
struct Lease {
  let server: UpstreamServer
  /// The place it has, where places are limited; whatever the limit becomes meanwhile.
  let place: Places?
}
