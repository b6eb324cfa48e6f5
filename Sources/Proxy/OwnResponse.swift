// A response that comes from the configuration and not from a server, as one worker holds it.
import Bytes
import Configuration
import HTTP
import Routing

/// An answer of `respond`, `redirect` or `error_pages`. Immutable; worker-confined: its bytes are
/// the worker's own copies.
final class OwnResponse {
  let status: Status
  /// The lines that are the same every time: Content-Type, where there is a body.
  let lines: [UInt8]
  let fields: [(name: String, value: FieldTemplate)]
  /// The Location of a redirect.
  let location: FieldTemplate?
  let body: [UInt8]

  init(_ response: FixedResponse) {
    status = Status(UInt16(clamping: response.status))
    let hasBody = Self.mayHaveBody(status)
    lines = hasBody ? Array("Content-Type: \(response.contentType)\r\n".utf8) : []
    fields = response.fields
    location = nil
    // Mapped, so that it is a copy and not a reference that other workers count, too.
    body = hasBody ? response.body.map { $0 } : []
  }

  init(_ redirect: Redirect) {
    status = Status(UInt16(clamping: redirect.status))
    lines = Array("Content-Type: text/plain; charset=utf-8\r\n".utf8)
    fields = []
    location = redirect.location
    // RFC 9110 15.4: a short note for those that do not follow it.
    body = Array("\(status.rawValue) \(status.reason)\n".utf8)
  }

  /// Whether responses of its status have a body: RFC 9110 15.3.5, 15.4.5.
  private static func mayHaveBody(_ status: Status) -> Bool {
    status.rawValue >= 200 && status != .noContent && status != .notModified
  }

  var mayHaveBody: Bool { Self.mayHaveBody(status) }
}
