// How log lines show the time, for fixed moments and for zones set in a process of their own.
import Glibc
import Testing

@testable import Telemetry

private func useZone(_ zone: String) {
  // SAFETY: setenv copies both texts; nothing else runs in the process yet.
  _ = unsafe setenv("TZ", zone, 1)
}

struct TimestampTests {
  private func text(_ seconds: Int64, _ microseconds: Int = 0, offset: Int = 0) -> String {
    Timestamp(seconds: seconds, microseconds: microseconds, offset: offset).description
  }

  @Test func `the form is the one that was promised`() {
    #expect(text(1_795_255_200, 123_456) == "2026-11-21 10:00:00.123456 +0000")
  }

  @Test func `every part is padded with zeros`() {
    #expect(text(1_767_323_045, 6) == "2026-01-02 03:04:05.000006 +0000")
  }

  @Test(arguments: [
    (5 * 3600 + 1800, "2026-11-21 15:30:00.000000 +0530"),
    (-(3 * 3600 + 1800), "2026-11-21 06:30:00.000000 -0330"),
    (14 * 3600, "2026-11-22 00:00:00.000000 +1400"),
    (-11 * 3600, "2026-11-20 23:00:00.000000 -1100"),
  ])
  func `the time is local and its offset from UTC is told`(offset: Int, expected: String) {
    #expect(text(1_795_255_200, offset: offset) == expected)
  }

  @Test(
    arguments: [
      (951_782_399, "2000-02-28 23:59:59"), (951_782_400, "2000-02-29 00:00:00"),
      (951_868_800, "2000-03-01 00:00:00"), (4_107_542_399, "2100-02-28 23:59:59"),
      (4_107_542_400, "2100-03-01 00:00:00"), (1_735_689_599, "2024-12-31 23:59:59"),
      (0, "1970-01-01 00:00:00"), (-1, "1969-12-31 23:59:59"),
    ] as [(Int64, String)])
  func `leap years and the ends of months are right`(seconds: Int64, expected: String) {
    #expect(text(seconds) == expected + ".000000 +0000")
  }

  @Test func `every day of 400 years agrees with the C library`() {
    let wrong = (0..<Int64(146_097)).filter { day in
      var moment = time_t(day * 86_400)
      var utc = unsafe tm()
      // SAFETY: gmtime_r reads one structure and fills the other, both owned by this frame.
      _ = unsafe gmtime_r(&moment, &utc)
      let (year, month, dayOfMonth) = unsafe (utc.tm_year, utc.tm_mon, utc.tm_mday)
      let date = text(day * 86_400).prefix(10).split(separator: "-").compactMap { Int32($0) }
      return date != [year + 1900, month + 1, dayOfMonth]
    }
    #expect(wrong == [])
  }

  @Test func `now is the clock's time`() {
    let before = time(nil)
    let now = Timestamp.now()
    let after = time(nil)
    // time(2) may lag behind the exact clock by a tick.
    #expect((Int64(before)...Int64(after) + 1).contains(now.seconds))
    #expect((0..<1_000_000).contains(now.microseconds))
  }

  // The zone belongs to the process, so each of these runs in one of its own.

  @Test func `TZ east of Greenwich gives a positive offset`() async {
    await #expect(processExitsWith: .success) {
      useZone("IST-5:30")
      #expect(Timestamp.localOffset(at: 1_795_255_200) == 5 * 3600 + 1800)
    }
  }

  @Test func `TZ west of Greenwich gives a negative offset`() async {
    await #expect(processExitsWith: .success) {
      useZone("NST3:30")
      #expect(Timestamp.localOffset(at: 1_795_255_200) == -(3 * 3600 + 1800))
    }
  }

  @Test func `summer time is followed`() async {
    await #expect(processExitsWith: .success) {
      useZone("CET-1CEST,M3.5.0,M10.5.0/3")
      // 2026-10-25 01:00:00 UTC is the moment at which it ends.
      #expect(Timestamp.localOffset(at: 1_792_890_000 - 1) == 7200)
      #expect(Timestamp.localOffset(at: 1_792_890_000) == 3600)
    }
  }
}
