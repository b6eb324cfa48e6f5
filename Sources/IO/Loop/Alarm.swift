// A wait for a moment, without a socket.
import CLinux
import Glibc

/// A descriptor that is never ready, so that a wait for it is a wait for its deadline.
package struct Alarm: ~Copyable {
  private let fd: Int32
  private let reactor: Reactor

  package init(on reactor: Reactor) throws(SystemError) {
    let descriptor = Descriptor(adopting: eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)))
    guard descriptor.number >= 0 else { throw SystemError(code: EMFILE) }
    // Not registered with epoll for reading: the wheel alone wakes it.
    try reactor.register(descriptor.number, as: .listener)
    fd = descriptor.release()
    self.reactor = reactor
  }

  deinit {
    reactor.forget(fd)
    _ = Glibc.close(fd)
  }

  /// Waits until the moment has come.
  package func sleep(until deadline: Moment) async {
    while reactor.now < deadline {
      _ = await reactor.wait(for: Interest(fd, []), until: deadline)
    }
  }
  /// Waits until the moment has come, or `ring`.
  ///
  /// - Precondition: one task waits at a time.
  package func wait(until deadline: Moment) async {
    _ = await reactor.wait(for: Interest(fd, []), until: deadline)
  }

  /// Ends the wait that goes on, if there is one.
  package func ring() { reactor.interrupt(fd) }
}
