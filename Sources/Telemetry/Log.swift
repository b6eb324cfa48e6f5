// The process's log: one line on standard error for each thing an operator should know. Requests
// are not logged here.
import Synchronization

/// The log of the process. Safe from every thread: a line is one write, and lines of several threads
/// never mix.
///
/// A message is only put together when its level is logged; otherwise a call costs one atomic load.
/// Whatever can happen for every request goes through a `LogLimiter`.
@usableFromInline
package enum Log {
  /// Atomic, a setting only: nothing else is ordered by it.
  @usableFromInline static let threshold = Atomic<UInt8>(Level.info.rawValue)

  /// The lightest level that is written; `info` at first.
  package static var level: Level {
    get { Level(rawValue: threshold.load(ordering: .relaxed)) ?? .info }
    set { threshold.store(newValue.rawValue, ordering: .relaxed) }
  }

  /// Whether lines of this level are written.
  @inlinable
  package static func isEnabled(_ level: Level) -> Bool {
    level.rawValue >= threshold.load(ordering: .relaxed)
  }

  /// For whoever looks for a fault in rsp or in its configuration.
  @inlinable
  package static func debug(_ message: @autoclosure () -> String) {
    if isEnabled(.debug) { write(.debug, message()) }
  }

  /// What an operator wants to find later: starts, stops, reloads.
  @inlinable
  package static func info(_ message: @autoclosure () -> String) {
    if isEnabled(.info) { write(.info, message()) }
  }

  /// What still works, but not as configured or not for long.
  @inlinable
  package static func warning(_ message: @autoclosure () -> String) {
    if isEnabled(.warning) { write(.warning, message()) }
  }

  /// What does not work.
  @inlinable
  package static func error(_ message: @autoclosure () -> String) {
    if isEnabled(.error) { write(.error, message()) }
  }

  @usableFromInline
  static func write(_ level: Level, _ message: String) {
    StandardError.write(LogLine(.now(), level, message).bytes)
  }
}
