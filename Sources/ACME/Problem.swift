// What an authority says is wrong (RFC 7807, RFC 8555 6.7).
import JSON

/// A problem document, or what is known of an answer without one.
package struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
  /// Bytes of its words that are kept: they come from outside and go to the log.
  static let longestDetail = 500
  static let prefix = "urn:ietf:params:acme:error:"

  /// What follows `urn:ietf:params:acme:error:`; empty for any other type.
  package var type: String
  package var detail: String
  package var status: Int
  /// Seconds.
  package var retryAfter: Int?

  package init(type: String, detail: String = "", status: Int = 400, retryAfter: Int? = nil) {
    self.type = type
    self.detail = detail
    self.status = status
    self.retryAfter = retryAfter
  }

  init(_ json: JSON?, status: Int, retryAfter: Int? = nil) {
    let type = json?["type"]?.text ?? ""
    self.type = type.hasPrefix(Self.prefix) ? String(type.dropFirst(Self.prefix.count)) : ""
    let words = Self.words(json)
    detail = String(decoding: words.utf8.prefix(Self.longestDetail), as: UTF8.self)
    self.status = status
    self.retryAfter = retryAfter
  }

  /// The detail, and that of each subproblem with the name that it is about (RFC 8555 6.7.1).
  private static func words(_ json: JSON?) -> String {
    var words = json?["detail"]?.text ?? ""
    for part in (json?["subproblems"]?.elements ?? []).prefix(4) {
      let name = part["identifier"]?["value"]?.text ?? ""
      words += "; \(name): \(part["detail"]?.text ?? "")"
    }
    return words
  }

  package var description: String {
    let kind = type.isEmpty ? "status \(status)" : type
    return detail.isEmpty ? kind : "\(kind), \"\(detail)\""
  }

  var isBadNonce: Bool { type == "badNonce" }
  /// The account is not known, or not any more: an authority may forget those it has never served.
  var isOfAccount: Bool { type == "accountDoesNotExist" }
}
