// Two ends of a TLS connection on one loop, for tests: the handshake is driven step by step, so that
// no second task is needed.
import Bytes
import Glibc
import IO
import TestSupport

@testable import TLS

/// Both ends of a connection.
struct TLSPair: ~Copyable {
  var client: TLSStream
  var server: TLSStream
  let pool: BufferPool

  /// - Parameter prepare: what else the sessions are told before they begin.
  init(
    on worker: isolated LoopActor, server serverContext: TLSContext,
    client clientContext: TLSContext,
    _ certificate: Certificate,
    prepare: (_ client: TLSSession, _ server: TLSSession) throws -> Void = { _, _ in }
  ) throws {
    let pair = try StreamPair(on: worker.reactor)
    let (near, far) = pair.release()
    let pool = BufferPool()
    let client = try TLSSession(connecting: clientContext)
    let server = try TLSSession(accepting: serverContext)
    try server.use(certificate)
    try prepare(client, server)
    self.pool = pool
    self.client = TLSStream(TCPStream(registered: near, on: worker.reactor), client, pool)
    self.server = TLSStream(TCPStream(registered: far, on: worker.reactor), server, pool)
  }

  /// Goes on until both ends have done with the handshake, or one has failed.
  mutating func shakeHands(on worker: isolated LoopActor) async throws(TLSFailure) {
    var isDone = false
    while !isDone {
      let first = try client.stepOfHandshake()
      let second = try server.stepOfHandshake()
      isDone = first == nil && second == nil
      if !isDone { await worker.reactor.yield() }
    }
  }
}

extension TLSStream {
  /// Reads until so many bytes are there, or the stream ends or fails.
  mutating func receive(
    _ count: Int, into buffer: inout ByteBuffer, on worker: isolated LoopActor
  ) async -> Transfer {
    while buffer.count < count {
      switch read(into: &buffer, limit: count - buffer.count) {
      case .moved: break
      case .blocked:
        guard await worker.reactor.wait(for: readInterest, until: worker.patience) == .ready else {
          return .blocked
        }
      case .ended: return .ended
      case .failed(let error): return .failed(error)
      }
    }
    return .moved(count)
  }

  /// Writes a text that is known to fit in the socket.
  mutating func send(_ text: String) {
    var buffer = buffers.borrow(.small)
    buffer.append(text)
    let outcome = write(from: &buffer, more: false)
    precondition(outcome == .moved(text.utf8.count))
  }
}

/// A certificate that nobody vouches for, for a name, valid around now.
func selfSigned(_ name: String = "example.org") throws -> Certificate {
  let now = IO.Process.unixSeconds
  return try Certificate(
    selfSignedFor: SubjectNames(hosts: [name]), validity: now - 3600...now + 86400)
}

/// A file that goes when its owner does.
final class TemporaryFile {
  let path: String

  init(_ text: String) {
    path = "/tmp/tls-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    let file = unsafe fopen(path, "w")
    _ = unsafe fputs(text, file)
    _ = unsafe fclose(file)
  }

  deinit { _ = unsafe unlink(path) }
}

extension Certificate {
  /// As a file of authorities, in PEM.
  func asAuthority() -> TemporaryFile {
    TemporaryFile(
      "-----BEGIN CERTIFICATE-----\n\(base64(leaf.bytes))\n-----END CERTIFICATE-----\n")
  }
}

/// RFC 4648 4, in lines of 64.
private func base64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  var text: [Character] = []
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    var word = 0
    for (i, byte) in group.enumerated() { word |= Int(byte) << (16 - 8 * i) }
    for i in 0..<4 {
      text.append(i <= group.count ? alphabet[word >> (18 - 6 * i) & 63] : "=")
    }
    if start % 48 == 45 { text.append("\n") }
  }
  return String(text)
}
