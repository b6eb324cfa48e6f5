// The key of a route as it is written in a configuration. What can never match is a mistake here:
// paths are matched in their normal form, so a route that is written in another one is dead, and a
// dead route that was to guard something is a hole.
import Bytes
import HTTP

/// Why a text is no route.
package enum PathPatternError: Error, Equatable, Sendable, CustomStringConvertible {
  case unknownForm
  case expression(RegularExpressionError)
  case path(PathError)
  /// There is a "?": the query takes no part in routing.
  case query
  /// The path is another one in its normal form, which this is.
  case neverMatches(normal: String)

  package var description: String {
    switch self {
    case .unknownForm:
      "a route is \"/prefix\", \"= /path\", \"~ regex\" or \"~* regex\" (whatever the case)"
    case .expression(let error): "\(error)"
    case .path(.forbiddenByte):
      "the path holds a forbidden character; blanks and what is beyond ASCII are written as they "
        + "are sent, such as %20"
    case .path(let error): "\(error.description)"
    case .query: "a route is chosen by the path alone, without \"?\" and what follows"
    case .neverMatches(let normal):
      "can never match: paths are matched in their normal form, here \"\(normal)\""
    }
  }
}

/// `"= /path"`, `"~ regex"`, `"~* regex"` (ignoring case) or `"/prefix"`.
///
/// A prefix is a prefix of the string, as in nginx: `/api` covers `/api`, `/api/x` and `/apiary`;
/// `/api/` covers `/api/` and what is below, but not `/api`. (Caddy's `/api*` and `/api/*`.) No
/// redirect is made up for the missing slash.
///
/// What is matched is the path in its normal form, escapes included, unlike nginx, which resolves
/// them: what is beyond ASCII and blanks are matched as `%C3%BC` and `%20`. An expression is searched
/// anywhere in the path unless it begins with `^`, as in nginx.
package enum PathPattern: Sendable, CustomStringConvertible {
  case exact([UInt8])
  case prefix([UInt8])
  case expression(RegularExpression)

  /// - Parameter expressions: those made so far; a site like a thousand others shares theirs.
  package init(
    _ text: String, sharing expressions: inout RegularExpressionStore
  ) throws(PathPatternError) {
    if text.hasPrefix("/") {
      let path = Array(text.utf8)
      try Self.check(path, isPrefix: true)
      self = .prefix(path)
    } else if text.hasPrefix("=") {
      let path = Array(text.dropFirst().drop { $0 == " " }.utf8)
      try Self.check(path, isPrefix: false)
      self = .exact(path)
    } else if text.hasPrefix("~") {
      let ignoresCase = text.hasPrefix("~*")
      let pattern = text.dropFirst(ignoresCase ? 2 : 1).drop { $0 == " " }
      guard !pattern.isEmpty else { throw .unknownForm }
      do throws(RegularExpressionError) {
        self = .expression(try expressions.expression(String(pattern), ignoringCase: ignoresCase))
      } catch {
        throw .expression(error)
      }
    } else {
      throw .unknownForm
    }
  }

  /// A prefix is right when a path can be continued after it and still begin with it: `/.` is one
  /// (of `/.git`), `/a/../` is none. "x" is the continuation tried; it changes nothing by itself.
  private static func check(_ path: [UInt8], isPrefix: Bool) throws(PathPatternError) {
    guard !path.contains(0x3f) else { throw .query }
    var normal = try normalForm(isPrefix ? path + [0x78] : path)
    guard !(isPrefix ? normal.starts(with: path) : normal == path) else { return }
    if isPrefix { normal.removeLast() }
    throw .neverMatches(normal: String(decoding: normal, as: UTF8.self))
  }

  private static func normalForm(_ path: [UInt8]) throws(PathPatternError) -> [UInt8] {
    // A normal path needs no buffer; it is the rule, and there may be a million of them.
    var buffer = ByteBuffer()
    do throws(PathError) {
      return try normalForm(path, &buffer)
    } catch .tooLong {
      buffer = BufferPool(keeping: 0).borrow(.large)
    } catch {
      throw .path(error)
    }
    do throws(PathError) {
      return try normalForm(path, &buffer)
    } catch {
      throw .path(error)
    }
  }

  private static func normalForm(
    _ path: [UInt8], _ buffer: inout ByteBuffer
  ) throws(PathError) -> [UInt8] {
    // SAFETY: a UInt8 has no padding that could be read.
    guard try unsafe PathNormalizer.normalize(path.span.bytes, into: &buffer) else { return path }
    return (0..<buffer.count).map { buffer.bytes.octet($0) }
  }

  package var description: String {
    switch self {
    case .exact(let path): "= " + String(decoding: path, as: UTF8.self)
    case .prefix(let path): String(decoding: path, as: UTF8.self)
    case .expression(let expression): expression.routeText
    }
  }
}

extension PathPattern: Equatable {
  /// Expressions are compared by their text.
  package static func == (left: PathPattern, right: PathPattern) -> Bool {
    switch (left, right) {
    case (.exact(let left), .exact(let right)), (.prefix(let left), .prefix(let right)):
      left == right
    case (.expression(let left), .expression(let right)):
      left.pattern == right.pattern && left.ignoresCase == right.ignoresCase
    default: false
    }
  }
}

extension RegularExpression {
  /// The expression as the key of a route.
  var routeText: String { (ignoresCase ? "~* " : "~ ") + pattern }
}

/// The expressions of a configuration, each compiled once: machine code takes a few KiB, and a
/// hosting platform's sites all have the same few patterns.
package struct RegularExpressionStore {
  private struct Key: Hashable {
    var pattern: String
    var ignoresCase: Bool
  }

  private var expressions: [Key: RegularExpression] = [:]

  package init() {}

  package var count: Int { expressions.count }

  package mutating func expression(
    _ pattern: String, ignoringCase: Bool
  ) throws(RegularExpressionError) -> RegularExpression {
    let key = Key(pattern: pattern, ignoresCase: ignoringCase)
    if let known = expressions[key] { return known }
    let made = try RegularExpression(pattern, ignoringCase: ignoringCase)
    expressions[key] = made
    return made
  }
}
