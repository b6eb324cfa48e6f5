// The answers that the proxy gives itself: small, complete, with a body that says what happened
// and nothing about what is inside.
import Bytes

/// An answer made by the proxy: `400 Bad Request: the Host field is missing`.
package struct ErrorAnswer: Sendable {
  package let status: Status
  /// What happened, in words for the client; may be empty.
  package var detail: StaticString
  /// Whether the connection stays open after it.
  package var keepAlive: Bool
  /// Seconds for Retry-After.
  package var retryAfter: UInt32?
  /// The value of Allow.
  package var allow: StaticString?

  /// - Precondition: the status is a final one of three digits.
  package init(
    _ status: Status, _ detail: StaticString = "", keepAlive: Bool = false,
    retryAfter: UInt32? = nil, allow: StaticString? = nil
  ) {
    precondition(200...999 ~= status.rawValue)
    self.status = status
    self.detail = detail
    self.keepAlive = keepAlive
    self.retryAfter = retryAfter
    self.allow = allow
  }

  /// The answer to a request that could not be parsed; its connection closes.
  package init(_ error: RequestError) {
    self.init(error.status, error.description)
  }

  /// Writes head and body.
  ///
  /// - Parameters:
  ///   - unixSeconds: the time, for Date.
  ///   - isHead: the request was HEAD: the head alone is written, the same as for GET.
  /// - Throws: `NoRoom`; 1 KiB of tailroom is enough for every answer made of literals here.
  package func write(
    to buffer: inout ByteBuffer, unixSeconds: Int64, isHead: Bool = false
  ) throws(NoRoom) {
    try buffer.write(statusLine: status)
    try buffer.write(field: "Date", date: unixSeconds)
    try buffer.write(field: "Content-Type", "text/plain; charset=utf-8")
    try buffer.write(field: "Content-Length", decimal: UInt64(bodyByteCount))
    if let retryAfter { try buffer.write(field: "Retry-After", decimal: UInt64(retryAfter)) }
    if let allow { try buffer.write(field: "Allow", allow) }
    try buffer.write(field: "Connection", keepAlive ? "keep-alive" : "close")
    try buffer.writeEndOfHead()
    if !isHead { try writeBody(&buffer) }
  }

  /// `400 Bad Request: detail` and a line's end.
  private func writeBody(_ buffer: inout ByteBuffer) throws(NoRoom) {
    try buffer.write(decimal: UInt64(status.rawValue))
    try buffer.write(" ")
    try buffer.write(status.reason)
    if detail.utf8CodeUnitCount > 0 {
      try buffer.write(": ")
      try buffer.write(detail)
    }
    try buffer.write("\n")
  }

  /// The status has three digits, as `init` demands.
  private var bodyByteCount: Int {
    let text = detail.utf8CodeUnitCount
    return 3 + 1 + status.reason.utf8CodeUnitCount + (text > 0 ? text + 2 : 0) + 1
  }
}
