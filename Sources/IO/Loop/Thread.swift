// A thread of the operating system, named, that can be waited for.
import CLinux
import Glibc

/// A running thread; `join` waits for its end.
@safe
package struct Thread: ~Copyable, Sendable {
  private let handle: pthread_t

  /// Starts a thread that runs `body` and ends.
  ///
  /// - Parameter name: what `top -H` shows, cut to 15 bytes.
  package init(named name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    let work = unsafe Unmanaged.passRetained(Work(name, body))
    var handle = pthread_t()
    // SAFETY: the new thread takes over the one retain of `work`, or nobody does on failure.
    let result = unsafe pthread_create(
      &handle, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let work = unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        unsafe clinux_name_thread(work.name)
        work.body()
        return nil
      }, work.toOpaque())
    if result != 0 {
      unsafe work.release()
      throw SystemError(code: result)
    }
    self.handle = handle
  }

  /// Waits until the thread has ended.
  package consuming func join() {
    _ = pthread_join(handle, nil)
  }

  private final class Work {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      self.name = String(name.prefix(15))
      self.body = body
    }
  }
}
