// The time of day for Date fields, asked for once a second instead of once a response.
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
}
