// From the path of a request to the number of its route: exact paths first, then regular
// expressions in their order, then the longest prefix, as in nginx.
//
// Exact paths and prefixes lie sorted in one array, and one binary search answers for both. It finds
// the last key that is not greater than the path. If the path itself is a key, that is it. And every
// prefix P of the path is a prefix of that key, too: the key lies between P and the path in the
// order, and all strings between them begin with P. So each key names the longest prefix route that
// it begins with (its parent); the answer is the first in that chain that is not longer than what
// the key and the path have in common, and no byte has to be compared again.
import Bytes
import HTTP

/// What routing a path came to.
package enum PathMatch: Sendable, Equatable {
  /// The number of the route. If it is an expression, the matcher holds its groups.
  case route(Int)
  case none
  /// The route's expression met a limit, so it is unknown which route is right: answer 500, as
  /// nginx does. To go on with the next route could pass by a rule that forbids.
  case gaveUp(Int)
}

/// Two routes that match the same, by their numbers.
package struct DuplicateRoute: Error, Equatable, Sendable {
  package let first: Int
  package let second: Int
}

/// A table from paths to the numbers of routes. Immutable; never copied, as a copy would count
/// references at each request.
package struct PathIndex: ~Copyable, Sendable {
  struct Key: Sendable, BitwiseCopyable {
    var start: UInt32
    var count: UInt32
    /// The number of the route for exactly this path, and of that for this prefix; -1 for none.
    var exact: Int32 = -1
    var prefix: Int32 = -1
    /// The longest other key that is a prefix of this one and of a prefix route; -1 for none.
    var parent: Int32 = -1
  }

  struct Expression: Sendable {
    var expression: RegularExpression
    var route: Int
  }

  private(set) var keys: [Key] = []
  private(set) var text: [UInt8] = []
  private(set) var expressions: [Expression] = []

  /// - Parameter patterns: the routes; their numbers are their places.
  package init(_ patterns: [PathPattern]) throws(DuplicateRoute) {
    var paths: [(path: [UInt8], route: Int, isPrefix: Bool)] = []
    for (route, pattern) in patterns.enumerated() {
      switch pattern {
      case .exact(let path): paths.append((path, route, false))
      case .prefix(let path): paths.append((path, route, true))
      case .expression(let expression):
        let same = expressions.first {
          $0.expression.pattern == expression.pattern
            && $0.expression.ignoresCase == expression.ignoresCase
        }
        if let same { throw DuplicateRoute(first: same.route, second: route) }
        expressions.append(Expression(expression: expression, route: route))
      }
    }
    paths.sort { ($0.path, $0.route) < ($1.path, $1.route) }
    keys.reserveCapacity(paths.count)
    text.reserveCapacity(paths.reduce(0) { $0 + $1.path.count })
    for item in paths { try add(item.path, item.route, isPrefix: item.isPrefix) }
    link()
  }

  /// Bytes of memory behind the table, shared expressions apart.
  package var byteCount: Int {
    keys.capacity * MemoryLayout<Key>.stride + text.capacity
      + expressions.capacity * MemoryLayout<Expression>.stride
  }

  private mutating func add(_ path: [UInt8], _ route: Int, isPrefix: Bool) throws(DuplicateRoute) {
    let slot: WritableKeyPath<Key, Int32> = isPrefix ? \.prefix : \.exact
    if let last = keys.indices.last, bytes(of: keys[last]).elementsEqual(path) {
      let taken = keys[last][keyPath: slot]
      guard taken < 0 else { throw DuplicateRoute(first: Int(taken), second: route) }
      keys[last][keyPath: slot] = Int32(route)
      return
    }
    var key = Key(start: UInt32(text.count), count: UInt32(path.count))
    key[keyPath: slot] = Int32(route)
    keys.append(key)
    text.append(contentsOf: path)
  }

  func bytes(of key: Key) -> ArraySlice<UInt8> {
    text[Int(key.start)..<Int(key.start) + Int(key.count)]
  }

  /// Finds the parents: in sorted order, the prefixes of a key are a stack.
  private mutating func link() {
    var open: [Int] = []
    for index in keys.indices {
      while let last = open.last, !bytes(of: keys[index]).starts(with: bytes(of: keys[last])) {
        open.removeLast()
      }
      keys[index].parent = Int32(open.last ?? -1)
      if keys[index].prefix >= 0 { open.append(index) }
    }
  }

  /// The route for a path.
  ///
  /// - Parameters:
  ///   - path: in its normal form, without the query.
  ///   - matcher: the worker's own; holds no groups afterwards unless the route is an expression.
  package func match(_ path: RawSpan, _ matcher: borrowing Matcher) -> PathMatch {
    matcher.forgetGroups()
    let (last, common) = position(of: path)
    if last >= 0, common == path.byteCount, keys[last].exact >= 0, common == keys[last].count {
      return .route(Int(keys[last].exact))
    }
    if !expressions.isEmpty, let match = search(path, matcher) { return match }
    return longestPrefix(last, common)
  }

  /// The last key that is not greater than the path, and how many bytes they have in common.
  @inline(__always)
  private func position(of path: RawSpan) -> (last: Int, common: Int) {
    var low = 0
    var high = keys.count
    var best = 0
    while low < high {
      let middle = (low &+ high) / 2
      let key = keys[middle]
      let common = text.withBytes(Int(key.start), Int(key.count)) { $0.commonPrefix(path) }
      let isNotGreater =
        common == key.count
        || common < path.byteCount
          && text[Int(key.start) &+ common] < path.octet(common)
      if isNotGreater {
        low = middle &+ 1
        best = common
      } else {
        high = middle
      }
    }
    return (low &- 1, best)
  }

  @inline(__always)
  private func longestPrefix(_ last: Int, _ common: Int) -> PathMatch {
    var at = last
    while at >= 0 {
      let key = keys[at]
      if key.count <= common, key.prefix >= 0 { return .route(Int(key.prefix)) }
      at = Int(key.parent)
    }
    return .none
  }

  private func search(_ path: RawSpan, _ matcher: borrowing Matcher) -> PathMatch? {
    for index in expressions.indices {
      switch expressions[index].expression.match(path, matcher) {
      case .noMatch: continue
      case .matched: return .route(expressions[index].route)
      case .gaveUp: return .gaveUp(expressions[index].route)
      }
    }
    return nil
  }
}

/// The order of two paths, then of two numbers.
private func < (left: ([UInt8], Int), right: ([UInt8], Int)) -> Bool {
  if left.0 == right.0 { return left.1 < right.1 }
  return left.0.lexicographicallyPrecedes(right.0)
}
