// How large a head may be.

/// The limits of a head; each is the largest value that is still accepted.
package struct HeadLimits: Equatable, Sendable {
  /// Bytes of the whole head, from its first line to its empty line; nginx: the product of
  /// large_client_header_buffers.
  package var head: Int
  /// Bytes of one line without its CRLF; nginx: the size of large_client_header_buffers.
  package var line: Int
  /// Field lines.
  package var fields: Int

  package init(head: Int = 32 * 1024, line: Int = 8 * 1024, fields: Int = 100) {
    self.head = head
    self.line = line
    self.fields = fields
  }

  /// For requests: RFC 9112 3 asks for lines of 8000 bytes at least.
  package static var request: HeadLimits { HeadLimits() }
  package static var response: HeadLimits { HeadLimits(fields: 200) }
  package static var trailers: HeadLimits { HeadLimits(head: 8 * 1024) }

  /// Field names that Connection fields may list, in all: comparing them with every field is the
  /// one thing about a head that takes more time than its length.
  static let connectionNames = 64
}
