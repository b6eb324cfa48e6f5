// When a certificate is asked for again: long before the old one ends, never at the same time as all
// others, and the more seldom the more often it has failed.
import TLS

package enum Renewal {
  /// The part of a certificate's life in which the moment lies, up to two thirds of it: certificates
  /// that came together are not renewed together.
  static let jitter = 1.0 / 30

  /// When a certificate is to be renewed, in seconds since 1970: at two thirds of its life or a little
  /// before.
  ///
  /// - Parameter validity: seconds since 1970.
  package static func moment(
    _ validity: ClosedRange<Int>, random: inout some RandomNumberGenerator
  ) -> Int {
    let life = Double(validity.upperBound - validity.lowerBound)
    let part = 2.0 / 3 - Double.random(in: 0...jitter, using: &random)
    return validity.lowerBound + Int(life * part)
  }
}

/// How long to wait after failures in a row.
package struct BackOff: Sendable {
  /// Milliseconds after the first failure: where the authority could not be asked, and where it said
  /// no, which it counts.
  package static let first: (transient: Int64, refused: Int64) = (5000, 60_000)
  package static let longest: Int64 = 6 * 3_600_000
  /// What an authority can ask for.
  package static let longestRetryAfter: Int64 = 7 * 86_400_000

  /// Failures in a row.
  package private(set) var failures = 0

  package init() {}

  /// Notes a failure.
  ///
  /// - Returns: how many milliseconds to wait: doubled with each failure, give or take a quarter.
  package mutating func pause(
    after error: ACMEError, random: inout some RandomNumberGenerator
  ) -> Int64 {
    let first = error.isTransient ? Self.first.transient : Self.first.refused
    let doubled = min(Self.longest, first << Int64(min(failures, 20)))
    failures += 1
    let spread = Double.random(in: 0.75...1.25, using: &random)
    let wanted = min(Int64(error.retryAfter ?? 0), Self.longestRetryAfter / 1000) * 1000
    return max(Int64(Double(doubled) * spread), wanted)
  }
}
