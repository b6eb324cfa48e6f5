// Why a path has the route it has, for `rsp explain`: each route in the order of precedence, and
// what became of it. Written for people, apart from the look-up, which is written for speed; a test
// holds the two together.
import Bytes

/// One route and what became of it.
package struct RouteTrial: Sendable, Equatable, CustomStringConvertible {
  package enum Outcome: Sendable, Equatable {
    case chosen
    /// Not the same path as the exact one.
    case differs
    /// The expression is not in the path.
    case noMatch
    /// The expression met a limit: the answer is 500.
    case gaveUp
    /// The path does not begin with the prefix.
    case notPrefix
    /// The path is the prefix without its last slash: what people take for a match.
    case lacksSlash
    /// It would have matched; the route of that number came first.
    case passedOver(for: Int)
    /// Not tried, because the route of that number was chosen already, or ended the search.
    case notTried(after: Int)
  }

  /// The route's number.
  package let route: Int
  /// The route's key in the configuration.
  package let pattern: String
  package let outcome: Outcome

  /// `"/api/": the path does not begin with it`
  package var description: String { "\"\(pattern)\": \(reason)" }

  private var reason: String {
    switch outcome {
    case .chosen: "matches"
    case .differs: "the path is another one"
    case .noMatch: "does not match"
    case .gaveUp: "took too many steps; such a request is answered 500"
    case .notPrefix: "the path does not begin with it"
    case .lacksSlash: "the path lacks the final slash"
    case .passedOver: "would match, but a longer prefix does, too"
    case .notTried: "not tried"
    }
  }
}

extension PathIndex {
  /// What became of each route for a path, in the order in which they are looked at: exact paths,
  /// expressions, prefixes from the longest on.
  package func explain(_ path: RawSpan, _ matcher: borrowing Matcher) -> [RouteTrial] {
    var trials: [RouteTrial] = []
    var end: Int?
    let path = (0..<path.byteCount).map { path.octet($0) }
    func record(_ route: Int32, _ pattern: String, _ outcome: RouteTrial.Outcome) {
      trials.append(RouteTrial(route: Int(route), pattern: pattern, outcome: outcome))
      if outcome == .chosen || outcome == .gaveUp { end = Int(route) }
    }

    for key in keys where key.exact >= 0 {
      let isSame = bytes(of: key).elementsEqual(path)
      record(key.exact, "= " + string(key), isSame ? .chosen : .differs)
    }
    for item in expressions {
      var outcome = RouteTrial.Outcome.noMatch
      if let end {
        outcome = .notTried(after: end)
      } else {
        let result = path.withBytes(0, path.count) { item.expression.match($0, matcher) }
        if result == .matched { outcome = .chosen }
        if result == .gaveUp { outcome = .gaveUp }
      }
      record(Int32(item.route), item.expression.routeText, outcome)
    }
    let isEnded = end
    for key in keys.filter({ $0.prefix >= 0 }).sorted(by: { $0.count > $1.count }) {
      let prefix = bytes(of: key)
      let outcome: RouteTrial.Outcome =
        if let isEnded {
          .notTried(after: isEnded)
        } else if path.starts(with: prefix) {
          if let end { .passedOver(for: end) } else { .chosen }
        } else if prefix.last == 0x2f, prefix.dropLast().elementsEqual(path) {
          .lacksSlash
        } else {
          .notPrefix
        }
      record(key.prefix, string(key), outcome)
    }
    return trials
  }

  private func string(_ key: Key) -> String { String(decoding: bytes(of: key), as: UTF8.self) }
}
