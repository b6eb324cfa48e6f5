// How much a log line matters, and from where on lines are written.

extension Log {
  /// The weight of a log line, from the lightest to the heaviest.
  @frozen @usableFromInline
  package enum Level: UInt8, Sendable, CaseIterable, Comparable {
    case debug, info, warning, error

    /// The level with this name, as it stands in a configuration or on the command line.
    package init?(name: String) {
      guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
      self = level
    }

    /// `debug`, `info`, `warning` or `error`.
    package var name: String {
      switch self {
      case .debug: "debug"
      case .info: "info"
      case .warning: "warning"
      case .error: "error"
      }
    }

    @inlinable
    package static func < (left: Level, right: Level) -> Bool {
      left.rawValue < right.rawValue
    }
  }
}
