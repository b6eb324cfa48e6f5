// The time of day for Date fields, asked for once a second instead of once a response.
import Bytes
import Glibc
import IO

/// The time of day, read again when the worker's clock has gone on.
struct WallClock {
  private var seconds: Int64 = 0
  private var readAt = Moment(milliseconds: .min)

  mutating func unixSeconds(at now: Moment) -> Int64 {
    if now != readAt {
      var time = timespec()
      // SAFETY: clock_gettime fills the structure it is given.
      _ = unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
      seconds = Int64(time.tv_sec)
      readAt = now
    }
    return seconds
  }

  /// Appends the seconds since 1970 with three digits for milliseconds: nginx's $msec.
  ///
  /// - Precondition: 24 bytes fit.
  static func appendMilliseconds(to buffer: inout ByteBuffer) {
    var time = timespec()
    // SAFETY: as above.
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    buffer.append(decimal: UInt64(max(0, time.tv_sec)))
    let milliseconds = UInt64(time.tv_nsec / 1_000_000)
    buffer.append(milliseconds < 10 ? ".00" : milliseconds < 100 ? ".0" : ".")
    buffer.append(decimal: milliseconds)
  }

  /// The name of this machine, at most 255 bytes.
  static func hostname() -> String {
    var name = [CChar](repeating: 0, count: 256)
    // SAFETY: gethostname writes at most as many bytes as it is told; the last one stays 0.
    _ = unsafe gethostname(&name, 255)
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
