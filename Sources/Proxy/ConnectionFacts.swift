// What is known of a connection that its socket does not tell, and that has to outlive its task.
import IO
import TLS

/// Facts of a client's connection that were learnt before its first request. Worker-confined. Plain
/// connections have none, and cost nothing while they are parked.
final class ConnectionFacts {
  /// The client, as a PROXY header or the socket has it.
  let peer: SocketAddress
  /// What the client connected to, if a PROXY header said it; nil: the socket knows.
  let destination: SocketAddress?
  /// The connection's keys, and what TLS says of the client; nil when it speaks none.
  let tls: TLSSession?

  init(peer: SocketAddress, destination: SocketAddress? = nil, tls: TLSSession? = nil) {
    self.peer = peer
    self.destination = destination
    self.tls = tls
  }
}

/// The facts of parked connections by their descriptors.
struct ParkedFacts {
  private var facts: [Int32: ConnectionFacts] = [:]

  /// How many connections have any.
  var count: Int { facts.count }

  mutating func keep(_ known: ConnectionFacts?, of fd: Int32) {
    if let known { facts[fd] = known }
  }

  /// Takes out what is known of a connection that is parked no more.
  mutating func take(of fd: Int32) -> ConnectionFacts? {
    facts.isEmpty ? nil : facts.removeValue(forKey: fd)
  }
}
