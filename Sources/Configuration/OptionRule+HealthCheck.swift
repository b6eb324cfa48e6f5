// The options of `health_check` whose values are neither a number nor a flag: what is asked, and
// which answer is a good one.
import Routing
import Scripting

extension OptionRule<HealthCheckOptions>.Special {
  /// Bytes of the path that is asked for.
  static var longestPath: Int { 2048 }

  static var type: Self {
    Self(
      syntax: "\"http\", \"tcp\"", annotation: "\"http\"|\"tcp\"",
      show: { $0.kind == .tcp ? "\"tcp\"" : "\"http\"" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .string("http"): return { $0.kind = .http($0.http) }
        case .string("tcp"): return { $0.kind = .tcp }
        default: throw .expected("\"http\" or \"tcp\"", value)
        }
      })
  }

  static var path: Self {
    Self(
      syntax: "a path, perhaps with a query", annotation: "string", show: { "\"\($0.http.path)\"" },
      parse: { value, _ throws(ValueError) in
        guard case .string(let path) = value, path.hasPrefix("/"),
          path.utf8.count <= longestPath,
          path.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x23 })
        else { throw .expected("a path such as \"/health\"", value) }
        return { $0.http.path = path }
      })
  }

  static var method: Self {
    Self(
      syntax: "a method", annotation: "string", show: { "\"\($0.http.method)\"" },
      parse: { value, _ throws(ValueError) in
        guard case .string(let method) = value, isToken(method), method.utf8.count <= 32,
          method == method.uppercased(), method != "CONNECT"
        else { throw .expected("a method such as \"GET\"", value) }
        return { $0.http.method = method }
      })
  }

  static var host: Self {
    Self(
      syntax: "\"server\" or a host", annotation: "string",
      show: { $0.http.host.map { "\"\($0)\"" } ?? "\"server\"" },
      parse: { value, _ throws(ValueError) in
        guard case .string(let host) = value, isAuthority(host) else {
          throw .expected("\"server\" or a host", value)
        }
        return { $0.http.host = host == "server" ? nil : host }
      })
  }

  static var body: Self {
    Self(
      syntax: "false or a regular expression", annotation: "false|string", show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(false): return { $0.http.bodyPattern = nil }
        case .string(let pattern) where !pattern.isEmpty:
          do throws(RegularExpressionError) {
            let pattern = BodyPattern(try RegularExpression(pattern))
            return { $0.http.bodyPattern = pattern }
          } catch {
            throw ValueError("\"\(pattern)\": \(error)")
          }
        default: throw .expected("false or a regular expression", value)
        }
      })
  }

  static var status: Self {
    Self(
      syntax: "a status, a class such as \"2xx\", or a list of them",
      annotation: "integer|string|(integer|string)[]", show: { _ in "{ \"2xx\", \"3xx\" }" },
      parse: { value, _ throws(ValueError) in
        var values = [value]
        if case .table(let table) = value, table.fields.isEmpty, table.otherKeys.isEmpty {
          values = table.elements
        }
        guard !values.isEmpty else { throw .expected("a status such as 200 or \"2xx\"", value) }
        var ranges: [ClosedRange<Int>] = []
        for value in values { ranges.append(try range(value)) }
        return { [ranges] in $0.http.expectedStatus = merged(ranges) }
      })
  }

  /// `200`, `"2xx"` or `"200-299"`.
  private static func range(_ value: LuaValue) throws(ValueError) -> ClosedRange<Int> {
    let statuses = 100...599
    switch value {
    case .number(let number):
      if let status = Int(exactly: number), statuses.contains(status) { return status...status }
    case .string(let text):
      if text.utf8.count == 3, text.hasSuffix("xx"), let digit = Int(text.prefix(1)),
        (1...5).contains(digit)
      {
        return digit * 100...digit * 100 + 99
      }
      let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      if bounds.count <= 2, let low = bounds[0], let high = bounds[bounds.count - 1], low <= high,
        statuses.contains(low), statuses.contains(high)
      {
        return low...high
      }
    default: break
    }
    throw .expected("a status such as 200, \"2xx\" or \"200-204\"", value)
  }

  private static func merged(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
    var merged: [ClosedRange<Int>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    return merged
  }
}
