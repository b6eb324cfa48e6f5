// The routes of a site by the paths they are for. A thin, inlinable layer over `PathIndex`, for the
// reason given at `HostTable`.

/// Routes and what they stand for, in the order they were given.
@usableFromInline
package struct PathTable<Value> {
  package let index: PathIndex
  @usableFromInline
  package let values: [Value]

  package init(_ routes: [(pattern: PathPattern, value: Value)]) throws(DuplicateRoute) {
    index = try PathIndex(routes.map(\.pattern))
    values = routes.map(\.value)
  }

  /// What the route of a number stands for.
  @inlinable
  package subscript(route: Int) -> Value { values[route] }

  /// The route for a path in its normal form, as `PathIndex.match` says.
  package func match(_ path: RawSpan, _ matcher: borrowing Matcher) -> PathMatch {
    index.match(path, matcher)
  }

  package func explain(_ path: RawSpan, _ matcher: borrowing Matcher) -> [RouteTrial] {
    index.explain(path, matcher)
  }
}

extension PathTable: Sendable where Value: Sendable {}
