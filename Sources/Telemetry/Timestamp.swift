// A moment as log lines show it: local time with its offset from UTC, to the microsecond.
import Glibc

/// A moment of the wall clock, with the offset from UTC that is in force where the process runs.
struct Timestamp: Sendable, Equatable, CustomStringConvertible {
  /// Seconds since 1970-01-01 00:00:00 UTC, as Unix counts them.
  var seconds: Int64
  /// 0 to 999,999.
  var microseconds: Int
  /// How far local time is ahead of UTC, in seconds; negative to the west.
  var offset: Int

  /// The present moment; its offset is what `TZ` or /etc/localtime says.
  static func now() -> Timestamp {
    var time = timespec()
    // SAFETY: clock_gettime fills the structure it is given.
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    let seconds = Int64(time.tv_sec)
    return Timestamp(
      seconds: seconds, microseconds: time.tv_nsec / 1000, offset: localOffset(at: seconds))
  }

  /// How far local time was, is or will be ahead of UTC at a moment, in seconds.
  static func localOffset(at seconds: Int64) -> Int {
    var moment = time_t(seconds)
    var local = unsafe tm()
    // SAFETY: localtime_r reads one structure and fills the other, both owned by this frame; it
    // fails only for years beyond Int32, and then leaves the offset at 0.
    _ = unsafe localtime_r(&moment, &local)
    return unsafe local.tm_gmtoff
  }

  /// `2026-11-21 10:00:00.123456 +0000`.
  var description: String {
    let local = seconds + Int64(offset)
    let (days, second) = local.flooredDivision(by: 86_400)
    let (year, month, day) = Self.date(ofDay: days)
    let minutes = Int64(abs(offset) / 60)
    return "\(Self.digits(year, 4))-\(Self.digits(month, 2))-\(Self.digits(day, 2))"
      + " \(Self.digits(second / 3600, 2)):\(Self.digits(second / 60 % 60, 2))"
      + ":\(Self.digits(second % 60, 2)).\(Self.digits(Int64(microseconds), 6))"
      + " \(offset < 0 ? "-" : "+")\(Self.digits(minutes / 60, 2))\(Self.digits(minutes % 60, 2))"
  }

  private static func digits(_ value: Int64, _ count: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, count - digits.utf8.count)) + digits
  }

  /// The Gregorian date of a day counted from 1970-01-01.
  ///
  /// Years are taken to begin in March, so that the leap day is the last day of one, and the lengths
  /// of the months before it follow a line: month m begins on day (153 m + 2) / 5. What is left is
  /// division by the lengths of 400, 100, 4 and 1 years.
  private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
    // 719,468 days lie between 0000-03-01 and 1970-01-01, 146,097 in 400 years.
    let (era, dayOfEra) = (day + 719_468).flooredDivision(by: 146_097)
    let leapDays = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / 146_096
    let yearOfEra = (dayOfEra - leapDays) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let fromMarch = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * fromMarch + 2) / 5 + 1
    let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfMonth)
  }
}

extension Int64 {
  /// Division rounded towards minus infinity, with a remainder of 0 ..< divisor.
  fileprivate func flooredDivision(by divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
