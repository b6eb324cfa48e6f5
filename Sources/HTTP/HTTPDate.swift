// Dates as HTTP writes them: Sun, 06 Nov 1994 08:49:37 GMT. Made from a count of seconds that the
// caller's clock gives, without allocation.
import Bytes

/// IMF-fixdate: RFC 9110 5.6.7.
package enum HTTPDate {
  /// How long every date is, in bytes.
  package static let byteCount = 29

  /// Appends a point in time.
  ///
  /// - Parameter unixSeconds: seconds since 1970; held to the years 1970 to 9999.
  /// - Precondition: `byteCount` bytes of tailroom.
  package static func append(_ unixSeconds: Int64, to buffer: inout ByteBuffer) {
    let seconds = min(max(unixSeconds, 0), 253_402_300_799)
    let days = Int(seconds / 86400)
    let time = Int(seconds % 86400)
    let date = civil(days)
    buffer.append(name(dayNames, (days + 4) % 7))  // 1970 began on a Thursday.
    buffer.append(", ")
    append(date.day, to: &buffer)
    buffer.append(0x20)
    buffer.append(name(monthNames, date.month - 1))
    buffer.append(0x20)
    append(date.year / 100, to: &buffer)
    append(date.year % 100, to: &buffer)
    buffer.append(0x20)
    append(time / 3600, to: &buffer)
    buffer.append(0x3a)
    append(time / 60 % 60, to: &buffer)
    buffer.append(0x3a)
    append(time % 60, to: &buffer)
    buffer.append(" GMT")
  }

  /// Appends a point in time as ISO 8601 writes it: `2026-01-31T12:00:00+00:00`.
  ///
  /// - Precondition: 25 bytes of tailroom.
  package static func appendISO8601(_ unixSeconds: Int64, to buffer: inout ByteBuffer) {
    let seconds = min(max(unixSeconds, 0), 253_402_300_799)
    let date = civil(Int(seconds / 86400))
    let time = Int(seconds % 86400)
    append(date.year / 100, to: &buffer)
    append(date.year % 100, to: &buffer)
    buffer.append("-")
    append(date.month, to: &buffer)
    buffer.append("-")
    append(date.day, to: &buffer)
    buffer.append("T")
    append(time / 3600, to: &buffer)
    buffer.append(":")
    append(time / 60 % 60, to: &buffer)
    buffer.append(":")
    append(time % 60, to: &buffer)
    buffer.append("+00:00")
  }

  private static var dayNames: InlineArray<7, StaticString> {
    ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  }

  private static var monthNames: InlineArray<12, StaticString> {
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  }

  private static func name<let n: Int>(
    _ names: InlineArray<n, StaticString>, _ index: Int
  ) -> StaticString { names[index] }

  private static func append(_ twoDigits: Int, to buffer: inout ByteBuffer) {
    buffer.append(0x30 + UInt8(twoDigits / 10))
    buffer.append(0x30 + UInt8(twoDigits % 10))
  }

  /// The Gregorian date of a day counted from 1970. Years are begun in March, so that the day
  /// that leap years add is their last; an era is the 400 years after which the calendar repeats.
  private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = days + 719_468  // from 1 March of year 0
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
      dayOfYear - (153 * marchMonth + 2) / 5 + 1
    )
  }
}
