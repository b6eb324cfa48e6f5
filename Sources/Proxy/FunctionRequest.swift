// What a route's function sees of a request: pieces of the bytes that came, handed out when they are
// asked for and not before.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import Scripting
import TLS

/// The source of a function's `request`. Worker-confined; used for one request after another, and
/// valid only while a function runs.
@safe
final class FunctionRequest: LuaRecordSource {
  /// The request that is being decided.
  struct Subject {
    let worker: WorkerState
    let head: RequestHead
    let peer: SocketAddress
    /// The client's address, where it is not the peer's.
    let client: InternetAddress?
    /// Whether fields with `_` or `.` in their names count: those that are not forwarded are not
    /// shown, or a field that a proxy before us has checked could be passed by as `X_Name`.
    let showsUnusualNames: Bool
    /// Nil when the client speaks no TLS.
    let tls: TLSSession?
  }
  private var subject: Subject?
  private var bytes = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  private var path = unsafe UnsafeRawBufferPointer(start: nil, count: 0)

  /// Shows a request for the length of `body`.
  /// - Parameters:
  ///   - bytes: what the head was parsed from.
  ///   - path: in its normal form.
  func show<Result, Failure: Error>(
    _ subject: Subject, _ bytes: RawSpan, path: RawSpan, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    self.subject = subject
    defer { self.subject = nil }
    // SAFETY: the two pointers are used only while `body` runs, for which the spans are lent.
    return try unsafe bytes.withUnsafeBytes { bytes throws(Failure) in
      try unsafe path.withUnsafeBytes { path throws(Failure) in
        unsafe self.bytes = unsafe bytes
        unsafe self.path = unsafe path
        return try body()
      }
    }
  }

  // MARK: LuaRecordSource

  func value(ofField field: Int) -> UnsafeRawBufferPointer? {
    guard let subject, let field = FunctionProgram.Field(rawValue: field) else { return nil }
    switch field {
    case .method: return unsafe piece(subject.head.methodRange)
    case .scheme: return unsafe constant(subject.tls == nil ? "http" : "https")
    case .host: return unsafe host(of: subject)
    case .path: return unsafe path
    case .query: return unsafe piece(subject.head.query)
    case .clientAddress: return unsafe clientAddress(of: subject)
    case .tlsServerName: return unsafe tlsServerName(of: subject)
    }
  }

  func value(
    ofMap map: Int, _ name: UnsafeRawBufferPointer, number: Int
  ) -> UnsafeRawBufferPointer? {
    guard let subject, let map = FunctionProgram.Map(rawValue: map) else { return nil }
    // SAFETY: the name lives for the length of this call.
    let name = unsafe name.bytes
    switch map {
    case .headers: return unsafe field(name, number, of: subject)
    case .cookies: return number == 0 ? unsafe cookie(name, of: subject) : nil
    }
  }

  // MARK: Values

  // SAFETY: every range of the head lies within the bytes that it was parsed from, and `extracting`
  // and subscripts check it. What is written to the worker's scratch stays there until the next
  // value is asked for, since nothing else runs meanwhile.

  private func piece(_ range: ByteRange) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: bytes[range.range])
  }

  private func constant(_ text: StaticString) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }

  /// In small letters, without port and final dot.
  private func host(of subject: Subject) -> UnsafeRawBufferPointer {
    let range = subject.head.host
    let name = unsafe piece(range)
    let count = unsafe name.bytes.hostEnd
    subject.worker.scratch.reset()
    for index in 0..<min(count, subject.worker.scratch.tailroom) {
      subject.worker.scratch.append(unsafe small(name[index]))
    }
    return unsafe written(by: subject.worker)
  }

  private func clientAddress(of subject: Subject) -> UnsafeRawBufferPointer? {
    subject.worker.scratch.reset()
    if let client = subject.client {
      client.append(to: &subject.worker.scratch)
    } else if case .unix = subject.peer {
      return nil
    } else {
      subject.worker.scratch.append(host: subject.peer)
    }
    return unsafe written(by: subject.worker)
  }

  private func tlsServerName(of subject: Subject) -> UnsafeRawBufferPointer? {
    guard let name = subject.tls?.serverName else { return nil }
    subject.worker.scratch.reset()
    subject.worker.scratch.append(name)
    return unsafe written(by: subject.worker)
  }

  private func written(by worker: WorkerState) -> UnsafeRawBufferPointer {
    unsafe worker.scratch.withBytes { bytes in
      unsafe bytes.withUnsafeBytes { unsafe $0 }
    }
  }

  /// The value of field `number`, counted from 0, of those that have the name.
  private func field(
    _ name: RawSpan, _ number: Int, of subject: Subject
  ) -> UnsafeRawBufferPointer? {
    var passed = 0
    for field in subject.head.fields {
      guard Int(field.name.count) == name.byteCount,
        subject.showsUnusualNames || !field.flags.contains(.unusualName),
        unsafe piece(field.name).bytes.isNamed(name)
      else { continue }
      if passed == number { return unsafe piece(field.value) }
      passed += 1
    }
    return nil
  }

  /// The first cookie of the name.
  private func cookie(_ name: RawSpan, of subject: Subject) -> UnsafeRawBufferPointer? {
    for field in subject.head.fields where field.known == .cookie {
      let cookies = unsafe piece(field.value)
      if let value = unsafe cookies.bytes.value(of: name, separatedBy: 0x3b) {
        return unsafe UnsafeRawBufferPointer(rebasing: cookies[value])
      }
    }
    return nil
  }
}

/// The small one of an ASCII letter, any other byte as it is.
private func small(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

extension RawSpan {
  /// Whether a field's name is the one that Lua code asks for: in any case, and with `_` for `-`,
  /// so that `headers.user_agent` may be written for `headers["user-agent"]`, as in OpenResty.
  fileprivate func isNamed(_ asked: RawSpan) -> Bool {
    for i in 0..<byteCount {
      let wanted = small(asked[i])
      guard small(self[i]) == wanted || (wanted == 0x5f && self[i] == 0x2d) else {
        return false
      }
    }
    return true
  }
}
