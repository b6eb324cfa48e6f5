// At most one line per interval, and the count of what was kept back.
import IO
import Telemetry
import Testing

struct LogLimiterTests {
  private func at(_ milliseconds: Int64) -> Moment { Moment(milliseconds: milliseconds) }

  @Test func `the first time is let through`() {
    var limiter = LogLimiter(milliseconds: 1000)
    #expect(limiter.admit(at: at(5)) == 0)
  }

  @Test func `within the interval nothing is let through, at its end something is`() {
    var limiter = LogLimiter(milliseconds: 1000)
    _ = limiter.admit(at: at(5))
    #expect(limiter.admit(at: at(5)) == nil)
    #expect(limiter.admit(at: at(1004)) == nil)
    #expect(limiter.admit(at: at(1005)) == 2)
  }

  @Test func `the count starts again after each line`() {
    var limiter = LogLimiter(milliseconds: 10)
    _ = limiter.admit(at: at(0))
    _ = limiter.admit(at: at(1))
    #expect(limiter.admit(at: at(10)) == 1)
    #expect(limiter.admit(at: at(20)) == 0)
  }

  @Test func `the interval is counted from the line, not from what was kept back`() {
    var limiter = LogLimiter(milliseconds: 10)
    _ = limiter.admit(at: at(0))
    for moment in 1..<10 { #expect(limiter.admit(at: at(Int64(moment))) == nil) }
    #expect(limiter.admit(at: at(10)) == 9)
  }

  @Test func `the end of time is not overrun`() {
    var limiter = LogLimiter(milliseconds: .max)
    #expect(limiter.admit(at: at(.max - 1)) == 0)
    #expect(limiter.admit(at: at(.max - 1)) == nil)
  }

  @Test func `the note counts and is empty for none`() {
    #expect(LogLimiter.note(0) == "")
    #expect(LogLimiter.note(12) == " (12 more like this before)")
  }
}
