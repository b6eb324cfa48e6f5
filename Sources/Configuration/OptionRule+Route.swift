// The options of routes whose values are neither a number nor a flag: what is changed on the way, and
// what is answered when something fails.
import Routing
import Scripting

extension OptionRule<RouteOptions>.Special {
  static var stripPrefix: Self {
    Self(
      syntax: "true, false or a path", annotation: "boolean|string",
      show: { $0.stripPrefix.isEmpty ? "false" : String(decoding: $0.stripPrefix, as: UTF8.self) },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(let isOwn):
          return { options in
            options.stripPrefix = []
            options.stripsOwnPrefix = isOwn
          }
        case .string(let text) where text.hasPrefix("/"):
          let path = try strippedPrefix(text)
          return { options in
            options.stripPrefix = path
            options.stripsOwnPrefix = false
          }
        default: throw .expected("true, false or a path such as \"/app\"", value)
        }
      })
  }

  private static func strippedPrefix(_ text: String) throws(ValueError) -> [UInt8] {
    var expressions = RegularExpressionStore()
    do throws(PathPatternError) {
      _ = try PathPattern(text, sharing: &expressions)
    } catch {
      throw ValueError("\"\(text)\": \(error)")
    }
    return RouteOptions.stripped(Array(text.utf8))
  }

  static func fields(
    _ path: any (WritableKeyPath<RouteOptions, FieldChanges> & Sendable), of side: FieldSide
  ) -> Self {
    Self(
      syntax: "{ set = { ... }, add = { ... }, remove = { ... } }", annotation: "rsp.FieldChanges",
      show: { _ in "{}" },
      parse: { value, _ throws(ValueError) in
        let changes = try FieldChanges(value, of: side)
        return { $0[keyPath: path] = changes }
      })
  }

  static var errorPages: Self {
    Self(
      syntax: "{ [status] = page, [\"5xx\"] = page }",
      annotation: "table<integer|string, string|rsp.Action>", show: { _ in "{}" },
      parse: { value, folder throws(ValueError) in
        let pages = try ErrorPages.read(value, folder: folder)
        return { $0.errorPages = pages }
      })
  }
}

extension RouteOptions {
  /// A prefix as it is kept to be stripped: without a "/" at its end.
  static func stripped(_ path: [UInt8]) -> [UInt8] {
    path.last == 0x2f ? Array(path.dropLast()) : path
  }
}

/// Reads `{ [404] = "missing.html", ["5xx"] = respond(503, "Back soon.\n") }`.
enum ErrorPages {
  /// The statuses that rsp may answer with when something fails.
  static let statuses = 400...599

  static func read(
    _ value: LuaValue, folder: String
  ) throws(ValueError) -> [Int: Shared<FixedResponse>] {
    guard case .table(let table) = value, table.elements.isEmpty,
      table.otherKeys.count == table.numbered.count
    else { throw .expected("{ [404] = \"missing.html\", [\"5xx\"] = respond(...) }", value) }
    var pages: [Int: Shared<FixedResponse>] = [:]
    for (name, value) in table.fields {
      // A class first, and single statuses over it.
      guard name == "4xx" || name == "5xx" else {
        throw ValueError("[\"\(name)\"] is no status: write [404], [\"4xx\"] or [\"5xx\"]")
      }
      let first = name == "4xx" ? 400 : 500
      try add(value, for: first...first + 99, shown: "[\"\(name)\"]", folder, to: &pages)
    }
    for (status, value) in table.numbered {
      guard statuses.contains(status) else {
        throw ValueError("[\(status)] is no error: they are 400 to 599")
      }
      try add(value, for: status...status, shown: "[\(status)]", folder, to: &pages)
    }
    return pages
  }

  /// A file is sent with the status of the error, `respond` with its own.
  private static func add(
    _ value: LuaValue, for statuses: ClosedRange<Int>, shown: String, _ folder: String,
    to pages: inout [Int: Shared<FixedResponse>]
  ) throws(ValueError) {
    do throws(ValueError) {
      switch value {
      case .string:
        let page = try FixedResponse(status: statuses.lowerBound, file: value, folder: folder)
        for status in statuses {
          var page = page
          page.status = status
          pages[status] = Shared(page)
        }
      case .object(let object as ActionValue):
        switch object.kind {
        case .respond(let page): for status in statuses { pages[status] = page }
        case .refused: break
        case .proxy, .redirect: throw ValueError("expected a file or respond(...)")
        }
      default: throw .expected("a file or respond(...)", value)
      }
    } catch {
      throw ValueError("\(shown): \(error.message)")
    }
  }
}
