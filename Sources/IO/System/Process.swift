// What the program asks of the system about itself, and how it starts another.
import CLinux
import Glibc

/// The process and its surroundings.
package enum Process {
  package static var id: Int32 { getpid() }

  package static var userID: UInt32 { getuid() }

  /// A variable of the environment; nil when it is not set or empty.
  package static func environment(_ name: String) -> String? {
    // SAFETY: getenv's text stays as long as nobody changes the environment, and we never do while
    // there are threads; it is copied at once.
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// Takes a variable out of the environment. Before the first thread only.
  package static func forget(_ name: String) {
    _ = unsafe unsetenv(name)
  }

  /// The path of the running program. Asked at the start: later the file may have been replaced, and
  /// the kernel then says "(deleted)".
  package static func programPath() -> String? {
    var room = [UInt8](repeating: 0, count: 4096)
    // SAFETY: readlink writes at most the room's count.
    let n = unsafe room.withUnsafeMutableBytes { raw in
      guard let base = raw.baseAddress else { return -1 }
      return unsafe readlink(
        "/proc/self/exe", base.assumingMemoryBound(to: CChar.self), raw.count)
    }
    return n > 0 && n < room.count ? String(decoding: room.prefix(n), as: UTF8.self) : nil
  }

  /// Starts a program.
  ///
  /// - Parameter arguments: the first is what the program takes for its name.
  /// - Returns: the new process's number.
  package static func spawn(
    _ path: String, _ arguments: [String]
  ) throws(SystemError) -> Int32 {
    var texts = unsafe arguments.map { unsafe strdup($0) }
    unsafe texts.append(nil)
    defer { unsafe texts.forEach { unsafe free($0) } }
    // SAFETY: the array ends with nil; its texts live until the call has returned.
    let result = unsafe texts.withUnsafeBufferPointer { list in
      guard let base = list.baseAddress else { return -EINVAL }
      return unsafe clinux_spawn(path, base)
    }
    if result < 0 { throw SystemError(code: -result) }
    return result
  }

  /// Ends a process that we started.
  package static func end(child: Int32) { kill(child, SIGTERM) }

  /// Whether a process that we started has ended; once it has, the system forgets it.
  package static func hasEnded(child: Int32) -> Bool { waitpid(child, nil, WNOHANG) == child }

  package static func unlink(_ path: String) {
    _ = unsafe Glibc.unlink(path)
  }

  /// CLOCK_MONOTONIC in microseconds, as systemd wants it.
  package static var monotonicMicroseconds: Int64 {
    var time = timespec()
    // SAFETY: clock_gettime fills the structure it is given.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }
}

extension Process {
  /// How many cores the process may run on.
  package static var availableCores: Int { Int(clinux_available_cores()) }

  /// Seconds since 1970.
  package static var unixSeconds: Int {
    var time = timespec()
    // SAFETY: clock_gettime fills the structure it is given.
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int(time.tv_sec)
  }

  /// How many descriptors the process may have open; nil when the system does not say.
  package static var descriptorLimit: Int? {
    var limit = rlimit()
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    // SAFETY: getrlimit fills the structure it is given.
    guard unsafe getrlimit(kind, &limit) == 0 else { return nil }
    return Int(clamping: limit.rlim_cur)
  }

  /// As many descriptors as the system allows: each connection takes two.
  package static func raiseDescriptorLimit() {
    var limit = rlimit()
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    // SAFETY: getrlimit fills, and setrlimit reads, the structure they are given.
    guard unsafe getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(kind, &limit)
  }
}
