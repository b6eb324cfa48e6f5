// Writing heads into a buffer. What is written may come from a peer and may be as long as the
// limits allow, so a head that does not fit is an error here and never a trap.
import Bytes

/// The buffer's tailroom was too small; what was written before stays.
@usableFromInline
package struct NoRoom: Error, Equatable, Sendable {
  @inlinable package init() {}
}

extension ByteBuffer {
  /// Writes `HTTP/1.1`, the code and a reason phrase; the standard one if none is given.
  package mutating func write(statusLine status: Status) throws(NoRoom) {
    try write("HTTP/1.1 ")
    try write(decimal: UInt64(status.rawValue))
    try write(" ")
    try write(status.reason)
    try write("\r\n")
  }

  /// Writes `HTTP/1.1`, the code and the reason phrase a server chose.
  package mutating func write(
    statusLine status: Status, reason: RawSpan
  ) throws(NoRoom) {
    try write("HTTP/1.1 ")
    try write(decimal: UInt64(status.rawValue))
    try write(" ")
    try write(reason)
    try write("\r\n")
  }

  /// Writes a method, a target and `HTTP/1.1`.
  package mutating func write(
    requestLine method: RawSpan, target: RawSpan
  ) throws(NoRoom) {
    try write(method)
    try write(" ")
    try write(target)
    try write(" HTTP/1.1\r\n")
  }

  /// Writes a field line. The value must be free of CR, LF and NUL, as all that was parsed is.
  package mutating func write(field name: StaticString, _ value: RawSpan) throws(NoRoom) {
    try write(name)
    try write(": ")
    try write(value)
    try write("\r\n")
  }

  /// Writes a field line.
  package mutating func write(field name: RawSpan, _ value: RawSpan) throws(NoRoom) {
    try write(name)
    try write(": ")
    try write(value)
    try write("\r\n")
  }

  /// Writes a field line.
  package mutating func write(
    field name: StaticString, _ value: StaticString
  ) throws(NoRoom) {
    try write(name)
    try write(": ")
    try write(value)
    try write("\r\n")
  }

  /// Writes a field line with a number.
  package mutating func write(
    field name: StaticString, decimal value: UInt64
  ) throws(NoRoom) {
    try write(name)
    try write(": ")
    try write(decimal: value)
    try write("\r\n")
  }

  /// Writes a field line with a date.
  package mutating func write(
    field name: StaticString, date unixSeconds: Int64
  ) throws(NoRoom) {
    try write(name)
    try write(": ")
    guard tailroom >= HTTPDate.byteCount else { throw NoRoom() }
    HTTPDate.append(unixSeconds, to: &self)
    try write("\r\n")
  }

  /// Writes the empty line that ends a head.
  @inlinable
  package mutating func writeEndOfHead() throws(NoRoom) { try write("\r\n") }

  /// Writes bytes as they are.
  @inlinable
  package mutating func write(_ bytes: RawSpan) throws(NoRoom) {
    guard bytes.byteCount <= tailroom else { throw NoRoom() }
    append(bytes)
  }

  /// Writes the bytes of a literal, which are known where this is inlined: some stores, no call.
  @inlinable
  @inline(__always)
  package mutating func write(_ text: StaticString) throws(NoRoom) {
    guard text.utf8CodeUnitCount <= tailroom else { throw NoRoom() }
    append(text)
  }

  /// Writes a number in decimal digits.
  package mutating func write(decimal number: UInt64) throws(NoRoom) {
    guard tailroom >= 20 else { throw NoRoom() }
    append(decimal: number)
  }
}
