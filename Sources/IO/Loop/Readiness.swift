// What a task can wait for: a socket's readiness, or a moment.

/// What a socket is ready for, or what a wait asks for.
@usableFromInline
package struct Readiness: OptionSet, Sendable {
  @usableFromInline package let rawValue: UInt8
  @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Bytes, or the end of the stream, can be read.
  @inlinable package static var read: Readiness { Readiness(rawValue: 1) }
  /// Bytes can be written, or a connect has ended.
  @inlinable package static var write: Readiness { Readiness(rawValue: 2) }
  /// The peer has sent its FIN (EPOLLRDHUP). Stays set.
  @inlinable package static var hangup: Readiness { Readiness(rawValue: 4) }
  /// The connection is broken (EPOLLERR, EPOLLHUP). Stays set and ends every wait.
  @inlinable package static var failure: Readiness { Readiness(rawValue: 8) }
  /// Some of what was posted did not leave (`Reactor.post`). Ends every wait, until it is dealt with.
  @inlinable package static var unsent: Readiness { Readiness(rawValue: 16) }
  /// Asked for beside `read` by who reads as soon as the wait is over: what comes is received for it
  /// (`Reactor.fetch`). No descriptor is ever ready for it.
  @inlinable package static var fetch: Readiness { Readiness(rawValue: 32) }
  /// There may be bytes behind those that were fetched and not read yet.
  static var more: Readiness { Readiness(rawValue: 64) }
  /// The last wait has ended by its deadline. Nothing waits for it: there is no room for it elsewhere.
  static var expired: Readiness { Readiness(rawValue: 128) }
  /// What ends a wait whatever it is for.
  static var always: Readiness { [.failure, .unsent] }
}

/// A wish to be woken when a descriptor is ready.
@usableFromInline
package struct Interest: Sendable {
  @usableFromInline var fd: Int32
  @usableFromInline package var wanted: Readiness

  package var descriptor: Int32 { fd }

  @inlinable
  package init(_ fd: Int32, _ wanted: Readiness) {
    self.fd = fd
    self.wanted = wanted
  }
}

/// What one wait listens to: at most two descriptors, a proxy's two sides.
@usableFromInline
package struct Interests: Sendable {
  @usableFromInline var first: Interest
  @usableFromInline var second: Interest

  @inlinable package init() { self.init(Interest(-1, [])) }

  @inlinable package init(_ interest: Interest) {
    first = interest
    second = Interest(-1, [])
  }

  @inlinable package var isEmpty: Bool { first.fd < 0 }

  /// Adds a wish; two for one descriptor become one.
  ///
  /// - Precondition: no third descriptor.
  @inlinable
  package mutating func insert(_ interest: Interest) {
    if first.fd < 0 || first.fd == interest.fd {
      first = Interest(interest.fd, first.wanted.union(interest.wanted))
    } else {
      precondition(second.fd < 0 || second.fd == interest.fd, "a wait has two sides")
      second = Interest(interest.fd, second.wanted.union(interest.wanted))
    }
  }
}

/// Why a wait ended.
@usableFromInline
package enum Wake: Sendable {
  /// One of the descriptors is ready for something that was asked for, or broken.
  case ready
  /// The deadline passed first.
  case deadline
}

/// A moment on a worker's clock, in milliseconds since an arbitrary start (CLOCK_MONOTONIC).
@usableFromInline
package struct Moment: Comparable, Sendable {
  @usableFromInline package var milliseconds: Int64

  @inlinable
  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// A moment that never comes.
  @inlinable
  package static var never: Moment { Moment(milliseconds: .max) }

  @inlinable
  package static func == (a: Moment, b: Moment) -> Bool { a.milliseconds == b.milliseconds }

  @inlinable
  package static func < (a: Moment, b: Moment) -> Bool { a.milliseconds < b.milliseconds }

  // Written out because the ones that Comparable derives from "<" are called through its witnesses.
  @inlinable
  package static func > (a: Moment, b: Moment) -> Bool { a.milliseconds > b.milliseconds }

  @inlinable
  package static func <= (a: Moment, b: Moment) -> Bool { a.milliseconds <= b.milliseconds }

  @inlinable
  package static func >= (a: Moment, b: Moment) -> Bool { a.milliseconds >= b.milliseconds }

  /// This moment, so many milliseconds later; `never` when that is beyond all time.
  @inlinable
  package func advanced(by milliseconds: Int64) -> Moment {
    let (sum, overflow) = self.milliseconds.addingReportingOverflow(milliseconds)
    return overflow ? .never : Moment(milliseconds: sum)
  }
}
