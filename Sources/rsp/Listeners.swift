// Opens the listening sockets: one per worker for TCP, so that the kernel spreads connections over
// the workers; one for all for a Unix socket, which has one queue.
import Configuration
import Glibc
import IO
import Proxy

/// The sockets each worker takes over, in the order of the configuration's listeners.
///
/// - Throws: when an address cannot be listened on; nothing is left open then.
func openListeners(
  _ configuration: Configuration, workers count: Int
) throws(StartError) -> [[ListenerHandover]] {
  var handovers = [[ListenerHandover]](repeating: [], count: count)
  for listener in configuration.listeners {
    let sockets = try open(listener, count)
    for worker in 0..<count {
      handovers[worker].append(
        ListenerHandover(
          fd: sockets.descriptors[worker], isShared: sockets.areShared, options: listener.options))
    }
  }
  return handovers
}

private func open(
  _ listener: ListenerConfiguration, _ count: Int
) throws(StartError) -> (descriptors: [Int32], areShared: Bool) {
  let backlog = Int32(clamping: listener.options.backlog)
  do throws(SystemError) {
    if case .unix(let path) = listener.address {
      return (try openUnix(path, backlog, count), true)
    }
    let (address, dualStack) = try socketAddress(of: listener.address)
    var descriptors: [Int32] = []
    // The first proves that nobody else listens there; SO_REUSEPORT alone would share the port with
    // any process of the same user.
    var probe: Descriptor? = try Sockets.listen(
      at: address, backlog: backlog, dualStack: dualStack, sharing: false)
    _ = probe.take()
    for _ in 0..<count {
      let socket = try Sockets.listen(at: address, backlog: backlog, dualStack: dualStack)
      descriptors.append(socket.release())
    }
    return (descriptors, false)
  } catch {
    throw StartError(description: "cannot listen on \(listener.address): \(error)")
  }
}

private func socketAddress(
  of address: ListenAddress
) throws(SystemError) -> (SocketAddress, dualStack: Bool) {
  switch address {
  case .any(let port):
    // "::" takes IPv4 clients too; a system without IPv6 has only "0.0.0.0".
    return Sockets.hasIPv6
      ? (.v6(high: 0, low: 0, scope: 0, port: port), true) : (.v4(0, port: port), false)
  case .ip(let host, let port):
    guard let address = SocketAddress(numeric: host, port: port) else {
      throw SystemError(code: EINVAL)
    }
    return (address, false)
  case .name(let name, let port):
    guard let address = Sockets.resolveNow(name, port: port) else {
      throw SystemError(code: EADDRNOTAVAIL)
    }
    return (address, false)
  case .unix(let path):
    return (.unix(path), false)
  }
}

/// A socket that a stopped process left behind is replaced; one that is listened on is not.
private func openUnix(
  _ path: String, _ backlog: Int32, _ count: Int
) throws(SystemError) -> [Int32] {
  if Sockets.isAbandoned(path) { _ = unsafe unlink(path) }
  let socket = try Sockets.listen(at: .unix(path), backlog: backlog)
  var descriptors = [socket.release()]
  for _ in 1..<max(count, 1) { descriptors.append(try Sockets.duplicate(descriptors[0])) }
  return descriptors
}
