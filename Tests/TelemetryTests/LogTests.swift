// The threshold, and what goes to standard error. Both belong to the process, so each test that
// changes them runs in one of its own.
import Glibc
import Testing

@testable import Telemetry

struct LogTests {
  @Test func `levels are ordered and have names`() {
    #expect(Log.Level.allCases == Log.Level.allCases.sorted())
    #expect(Log.Level.allCases.map(\.name) == ["debug", "info", "warning", "error"])
  }

  @Test(arguments: Log.Level.allCases)
  func `a level is found by its name`(level: Log.Level) {
    #expect(Log.Level(name: level.name) == level)
  }

  @Test(arguments: ["", "Info", "warn", "info "])
  func `another name is no level`(name: String) {
    #expect(Log.Level(name: name) == nil)
  }

  @Test func `info and what is above it are logged at first`() {
    #expect(Log.level == .info)
    #expect(Log.Level.allCases.map { Log.isEnabled($0) } == [false, true, true, true])
  }

  @Test func `lines from the threshold on go to standard error`() async throws {
    let result = try #require(
      await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
        Log.level = .warning
        Log.debug("one")
        Log.info("two")
        Log.warning("three")
        Log.error("four")
        Log.level = .debug
        Log.debug("five")
        Log.info("six")
      })
    let lines = String(decoding: result.standardErrorContent, as: UTF8.self).split(separator: "\n")
    let messages = lines.filter { $0.hasPrefix("[2") }.map { $0.drop { $0 != "]" }.dropFirst(2) }
    #expect(messages == ["warning: three", "error: four", "debug: five", "six"])
  }

  @Test func `a message below the threshold is never put together`() async {
    await #expect(processExitsWith: .success) {
      func expensive() -> String { fatalError("put together") }
      Log.level = .error
      Log.debug(expensive())
      Log.info(expensive())
      Log.warning(expensive())
    }
  }
}
