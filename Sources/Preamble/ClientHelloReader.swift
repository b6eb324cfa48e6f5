// Finds the ClientHello at the start of a connection. It may come in any number of segments, and be
// cut into any number of records: post-quantum keys make it larger than one packet, and some clients
// cut it on purpose.
//
// The reader is given the connection's bytes from the first one on, again and again, as more arrive;
// the bytes stay with the caller, who hands them on to OpenSSL or to a server as they are. A message
// that lies in one record, which is nearly every one, is read where it is; the parts of others are
// gathered once each, so that a client which sends single bytes costs no more than its bytes.
import Bytes

/// Reads up to the end of a ClientHello.
package struct ClientHelloReader: Sendable {
  /// What is known so far.
  package enum Outcome: Sendable, Equatable {
    case needMore
    case complete(ClientHello)
    /// The first byte is not that of a TLS record. `isHTTP`: it may be the start of a request.
    case notTLS(isHTTP: Bool)
    case refused(PreambleError)
  }

  /// How many bytes of a connection are looked at, records' headers included. Real ones have 2 KiB
  /// at most; RFC 8446 would allow 128 KiB and more.
  package static var limit: Int { 65536 }
  /// RFC 8446 5.1: the most bytes of one record.
  private static var longestRecord: Int { 16384 }
  private static var recordHeader: Int { 5 }
  private static var messageHeader: Int { 4 }

  /// Where the next record begins that was not looked at.
  private var next = 0
  /// What came in earlier records.
  private var gathered: [UInt8] = []

  package init() {}

  /// Looks at the connection's bytes from its first one on.
  ///
  /// - Precondition: they begin with those of the last call.
  package mutating func read(_ bytes: RawSpan) -> Outcome {
    do throws(PreambleError) {
      while true {
        guard bytes.byteCount > next else { return more(than: bytes) }
        // A TLS record of type handshake: first byte 22, then major version 3 (RFC 8446 5.1).
        guard bytes.octet(next) == 22 else {
          if next > 0 { throw .unexpectedMessage }
          return .notTLS(isHTTP: Self.mayBeginRequest(bytes.octet(0)))
        }
        guard bytes.byteCount > next + 1 else { return more(than: bytes) }
        guard bytes.octet(next + 1) == 3 else {
          if next > 0 { throw .malformed }
          return .notTLS(isHTTP: false)
        }
        guard bytes.byteCount >= next + Self.recordHeader else { return more(than: bytes) }
        let start = next + Self.recordHeader
        let count = Int(bytes.octet(next + 3)) << 8 | Int(bytes.octet(next + 4))
        guard count <= Self.longestRecord else { throw .recordTooLarge }
        // An empty record carries no part of a message (RFC 8446 5.1).
        guard count > 0 else { throw .malformed }
        let arrived = min(bytes.byteCount, start + count)
        let record = bytes.extracting(start..<arrived)
        if gathered.isEmpty { try Self.checkHeader(record) }
        guard arrived == start + count else { return more(than: bytes) }
        next = arrived
        if let hello = try take(record) { return .complete(hello) }
      }
    } catch {
      return .refused(error)
    }
  }

  private func more(than bytes: RawSpan) -> Outcome {
    bytes.byteCount >= Self.limit ? .refused(.tooLarge) : .needMore
  }

  /// Takes a whole record. The message, when it is complete with it.
  private mutating func take(_ record: RawSpan) throws(PreambleError) -> ClientHello? {
    if gathered.isEmpty, let body = try Self.message(in: record) {
      return try finish(body)
    }
    gathered += record.copied
    let end = next
    return try gathered.withUnsafeSpan { bytes throws(PreambleError) in
      try Self.checkHeader(bytes)
      guard let body = try Self.message(in: bytes) else { return nil }
      var hello = try ClientHello(body)
      hello.byteCount = end
      return hello
    }
  }

  private func finish(_ body: RawSpan) throws(PreambleError) -> ClientHello {
    var hello = try ClientHello(body)
    hello.byteCount = next
    return hello
  }

  /// Refuses early what no further byte can mend.
  private static func checkHeader(_ bytes: RawSpan) throws(PreambleError) {
    if bytes.byteCount > 0, bytes.octet(0) != 1 { throw .unexpectedMessage }
    guard bytes.byteCount >= messageHeader else { return }
    guard messageHeader + count(bytes) <= limit else { throw .tooLarge }
  }

  /// The ClientHello without its header; nil when it is not complete.
  @_lifetime(copy bytes)
  private static func message(in bytes: RawSpan) throws(PreambleError) -> RawSpan? {
    guard bytes.byteCount >= messageHeader else { return nil }
    let end = messageHeader + count(bytes)
    return bytes.byteCount < end ? nil : bytes.extracting(messageHeader..<end)
  }

  /// The length in a message's header.
  private static func count(_ bytes: RawSpan) -> Int {
    Int(bytes.octet(1)) << 16 | Int(bytes.octet(2)) << 8 | Int(bytes.octet(3))
  }

  /// A method's first letter, or the line ends that some clients send before it.
  private static func mayBeginRequest(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x41...0x5a, 0x61...0x7a, 0x0d, 0x0a: true
    default: false
    }
  }
}
