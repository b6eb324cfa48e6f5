// Status codes and their reason phrases.

/// A status code: RFC 9110 15.
package struct Status: RawRepresentable, Equatable, Sendable, BitwiseCopyable {
  package let rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }
  package init(_ code: UInt16) { rawValue = code }

  package static let `continue` = Status(100)
  package static let switchingProtocols = Status(101)
  package static let ok = Status(200)
  package static let noContent = Status(204)
  package static let movedPermanently = Status(301)
  package static let found = Status(302)
  package static let notModified = Status(304)
  package static let badRequest = Status(400)
  package static let forbidden = Status(403)
  package static let notFound = Status(404)
  package static let methodNotAllowed = Status(405)
  package static let requestTimeout = Status(408)
  package static let contentTooLarge = Status(413)
  package static let uriTooLong = Status(414)
  package static let expectationFailed = Status(417)
  package static let misdirectedRequest = Status(421)
  package static let tooManyRequests = Status(429)
  package static let fieldsTooLarge = Status(431)
  package static let internalServerError = Status(500)
  package static let notImplemented = Status(501)
  package static let badGateway = Status(502)
  package static let serviceUnavailable = Status(503)
  package static let gatewayTimeout = Status(504)
  package static let versionNotSupported = Status(505)

  /// Whether this is a 1xx: another response to the same request follows it (but after 101).
  package var isInterim: Bool { rawValue / 100 == 1 }

  /// Whether this is a 5xx.
  package var isServerError: Bool { rawValue / 100 == 5 }

  /// The phrase of RFC 9110 15; of a code it does not define, the name of the code's class.
  package var reason: StaticString {
    switch rawValue {
    case 100...199: informational
    case 200...299: success
    case 300...399: redirection
    case 400...499: clientError
    case 500...599: serverError
    default: "Unknown"
    }
  }

  private var informational: StaticString {
    switch rawValue {
    case 100: "Continue"
    case 101: "Switching Protocols"
    case 102: "Processing"
    case 103: "Early Hints"
    default: "Informational"
    }
  }

  private var success: StaticString {
    switch rawValue {
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 203: "Non-Authoritative Information"
    case 204: "No Content"
    case 205: "Reset Content"
    case 206: "Partial Content"
    default: "Success"
    }
  }

  private var redirection: StaticString {
    switch rawValue {
    case 300: "Multiple Choices"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 304: "Not Modified"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    default: "Redirection"
    }
  }

  private var clientError: StaticString {
    switch rawValue {
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 402: "Payment Required"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 407: "Proxy Authentication Required"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 410: "Gone"
    case 411: "Length Required"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 416: "Range Not Satisfiable"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 425: "Too Early"
    case 426: "Upgrade Required"
    case 428: "Precondition Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 451: "Unavailable For Legal Reasons"
    default: "Client Error"
    }
  }

  private var serverError: StaticString {
    switch rawValue {
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    case 507: "Insufficient Storage"
    case 508: "Loop Detected"
    case 511: "Network Authentication Required"
    default: "Server Error"
    }
  }
}
