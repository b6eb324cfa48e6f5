// The listening sockets of the process: one per worker for TCP, so that the kernel spreads connections
// over the workers; one for all for a Unix socket, or one that systemd has opened, which has one queue.
//
// They are the supervisor's. A worker gets duplicates, and another process gets them when it takes
// over; what they have in their queues is lost only when the last holder closes.
import Configuration
import Glibc
import IO
import Proxy

/// Why an address cannot be listened on, in words ready to be shown.
package struct ListenError: Error, CustomStringConvertible {
  package let description: String
}

/// The open sockets of one listener. Immutable; closed when nobody holds it any more.
package final class ListeningSockets: Sendable {
  /// A descriptor in an array, which cannot hold what cannot be copied.
  private final class Box: Sendable {
    let descriptor: Descriptor
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
  }

  package let address: ListenAddress
  private let sockets: [Box]
  /// All workers accept on all of them.
  let isShared: Bool
  /// Somebody outside holds them, too, and will when we have gone.
  let isBorrowed: Bool

  /// The descriptors, to be handed to another process while this object lives.
  var numbers: [Int32] { sockets.map { $0.descriptor.number } }

  private init(_ address: ListenAddress, _ sockets: [Box], shared: Bool, borrowed: Bool) {
    self.address = address
    self.sockets = sockets
    isShared = shared
    isBorrowed = borrowed
  }

  /// Opens them.
  ///
  /// - Parameter alone: whether somebody who listens there already is an error. SO_REUSEPORT alone
  ///   would share the port with any process of the same user (docs/decisions/0009).
  static func open(
    _ listener: ListenerConfiguration, workers: Int, alone: Bool = true
  ) throws(ListenError) -> ListeningSockets {
    let backlog = Int32(clamping: listener.options.backlog)
    do throws(SystemError) {
      if case .unix(let path) = listener.address {
        // A socket that a stopped process left behind is replaced; one that is listened on is not.
        if Sockets.isAbandoned(path) { Process.unlink(path) }
        let box = Box(try Sockets.listen(at: .unix(path), backlog: backlog))
        return ListeningSockets(listener.address, [box], shared: true, borrowed: false)
      }
      let (address, dualStack) = try socketAddress(of: listener.address)
      if alone {
        var probe: Descriptor? = try Sockets.listen(
          at: address, backlog: backlog, dualStack: dualStack, sharing: false)
        _ = probe.take()
      }
      var boxes: [Box] = []
      for _ in 0..<workers {
        boxes.append(
          Box(try Sockets.listen(at: address, backlog: backlog, dualStack: dualStack)))
      }
      return ListeningSockets(listener.address, boxes, shared: false, borrowed: false)
    } catch {
      throw ListenError(description: "cannot listen on \(listener.address): \(error)")
    }
  }

  /// Takes over sockets that another process opened for this listener.
  ///
  /// A TCP listener with fewer sockets than workers gets more; with more, some worker accepts on two.
  static func adopt(
    _ descriptors: [Int32], for listener: ListenerConfiguration, workers: Int, shared: Bool,
    borrowed: Bool
  ) throws(ListenError) -> ListeningSockets {
    var boxes = descriptors.map { Box(Descriptor(adopting: $0)) }
    do throws(SystemError) {
      for fd in descriptors { try Sockets.adoptListener(fd) }
      while !shared, boxes.count < workers {
        let (address, dualStack) = try socketAddress(of: listener.address)
        let backlog = Int32(clamping: listener.options.backlog)
        boxes.append(
          Box(try Sockets.listen(at: address, backlog: backlog, dualStack: dualStack)))
      }
    } catch {
      throw ListenError(description: "cannot take over \(listener.address): \(error)")
    }
    return ListeningSockets(listener.address, boxes, shared: shared, borrowed: borrowed)
  }

  /// What a worker gets: duplicates that are its own. Whoever does not pass them on closes them.
  func duplicates(forWorker index: Int, of workers: Int) throws(SystemError) -> [Int32] {
    var copies: [Int32] = []
    for (number, socket) in sockets.enumerated() where isShared || number % workers == index {
      do {
        copies.append(try Sockets.duplicate(socket.descriptor.number))
      } catch {
        for fd in copies { _ = Descriptor(adopting: fd) }
        throw error
      }
    }
    return copies
  }

  func setBacklog(_ backlog: Int) {
    for socket in sockets {
      Sockets.setBacklog(Int32(clamping: backlog), of: socket.descriptor.number)
    }
  }
}

/// The address as the system takes it.
func socketAddress(
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
