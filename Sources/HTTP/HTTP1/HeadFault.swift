// What can be wrong with a head, in words that may be shown to the peer: they name the rule that
// was broken and quote nothing of what was sent.

/// A broken rule of RFC 9112 or RFC 9110; the message is refused, never repaired.
package enum HeadFault: Error, Equatable, Sendable {
  case emptyLines, method, target, version, targetForm, statusLine, status
  case foldedLine, fieldName, blankBeforeColon, fieldValue, bareCarriageReturn
  case missingHost, repeatedHost, invalidHost, differingHost
  case contentLength, repeatedContentLength
  case transferEncoding, repeatedTransferEncoding, transferEncodingInOldVersion, lengthAndEncoding
  case encodingWithoutBody, connection

  package var description: StaticString {
    switch self {
    case .emptyLines: "there are empty lines before the request"
    case .method: "the method is malformed"
    case .target: "the request target is malformed"
    case .version: "the request line does not end in a valid version"
    case .targetForm: "the request target has a form that its method does not allow"
    case .statusLine: "the status line is malformed"
    case .status: "the status code is not between 100 and 999"
    case .foldedLine: "a field line begins with a blank"
    case .fieldName: "a field name is malformed"
    case .blankBeforeColon: "there is a blank between a field name and its colon"
    case .fieldValue: "a field value holds a control character"
    case .bareCarriageReturn: "there is a carriage return that no line feed follows"
    case .missingHost: "the Host field is missing"
    case .repeatedHost: "there is more than one Host field"
    case .invalidHost: "the Host field is not a valid host and port"
    case .differingHost: "the Host field differs from the request target"
    case .contentLength: "the Content-Length field is not a valid number"
    case .repeatedContentLength: "there is more than one Content-Length field"
    case .transferEncoding: "the Transfer-Encoding field is malformed"
    case .repeatedTransferEncoding: "there is more than one Transfer-Encoding field"
    case .transferEncodingInOldVersion: "HTTP/1.0 has no Transfer-Encoding"
    case .lengthAndEncoding: "there are both Content-Length and Transfer-Encoding"
    case .encodingWithoutBody: "a message that has no body has a Transfer-Encoding"
    case .connection: "the Connection field is malformed"
    }
  }
}

/// Why a request is answered by the proxy itself and its connection closed.
package enum RequestError: Error, Equatable, Sendable {
  /// 400
  case badRequest(HeadFault)
  /// 414: the request line is longer than `HeadLimits.line`.
  case uriTooLong
  /// 431: a field line or the head is too long, or there are too many fields.
  case fieldsTooLarge
  /// 417: Expect holds something other than 100-continue (RFC 9110 10.1.1).
  case expectationFailed
  /// 501: a well-formed transfer coding that is not chunked (RFC 9112 6.1).
  case notImplemented
  /// 505
  case versionNotSupported

  package var status: Status {
    switch self {
    case .badRequest: .badRequest
    case .uriTooLong: .uriTooLong
    case .fieldsTooLarge: .fieldsTooLarge
    case .expectationFailed: .expectationFailed
    case .notImplemented: .notImplemented
    case .versionNotSupported: .versionNotSupported
    }
  }

  /// What was wrong, for the client.
  package var description: StaticString {
    switch self {
    case .badRequest(let fault): fault.description
    case .uriTooLong: "the request line is too long"
    case .fieldsTooLarge: "the header fields are too many or too large"
    case .expectationFailed: "only 100-continue can be expected"
    case .notImplemented: "the only transfer coding accepted is chunked"
    case .versionNotSupported: "only HTTP/1.0 and HTTP/1.1 are spoken here"
    }
  }
}

/// Why a response is of no use: the server's connection is closed and the client gets 502.
package enum ResponseError: Error, Equatable, Sendable {
  case malformed(HeadFault)
  /// The head is too long, a line of it is, or there are too many fields.
  case tooLarge
  /// A well-formed transfer coding that is not chunked.
  case transferEncoding
  case versionNotSupported

  /// What was wrong, for the log.
  package var description: StaticString {
    switch self {
    case .malformed(let fault): fault.description
    case .tooLarge: "the response head is too large"
    case .transferEncoding: "the response has a transfer coding other than chunked"
    case .versionNotSupported: "the response is not of HTTP/1.0 or HTTP/1.1"
    }
  }

  /// What the parts shared with requests found, as an error of a response.
  init(_ error: RequestError) {
    self =
      switch error {
      case .badRequest(let fault): .malformed(fault)
      case .uriTooLong, .fieldsTooLarge, .expectationFailed: .tooLarge
      case .notImplemented: .transferEncoding
      case .versionNotSupported: .versionNotSupported
      }
  }
}
