// One end of a TLS connection that sees no socket: bytes of the wire in one buffer, plain bytes in
// another. Between two calls it holds no buffer at all, so an idle connection is only its keys.
import Bytes
import COpenSSL

/// What a session's call has reached.
enum TLSProgress {
  case done
  /// More has to come from the peer.
  case wantsRead
  /// What has to go to the peer must leave first.
  case wantsWrite
  /// The peer sends nothing more: close_notify.
  case ended
  case failed(OpenSSLError)

  init(_ outcome: copenssl_outcome) {
    switch outcome {
    case COPENSSL_DONE: self = .done
    case COPENSSL_WANTS_READ: self = .wantsRead
    case COPENSSL_WANTS_WRITE: self = .wantsWrite
    case COPENSSL_ENDED: self = .ended
    default: self = .failed(.take())
    }
  }
}

/// A TLS connection's keys and state. Worker-confined; has one stream, or rests while that is parked.
@safe
package final class TLSSession {
  let handle: OpaquePointer
  // OpenSSL uses it until the handshake is over.
  private let context: TLSContext
  /// The name that the client has asked for, as the proxy has read it; nil for none.
  package var serverName: String?
  /// What this end has shown; nil for a connecting one.
  package private(set) var certificate: Certificate?

  /// The accepting end.
  package init(accepting context: TLSContext) throws(TLSFailure) {
    guard let made = unsafe copenssl_session_accept(context.handle) else { throw .exhausted }
    unsafe handle = made
    self.context = context
  }

  /// The connecting end.
  package init(connecting context: TLSContext) throws(TLSFailure) {
    guard let made = unsafe copenssl_session_connect(context.handle) else { throw .exhausted }
    unsafe handle = made
    self.context = context
  }

  deinit { unsafe copenssl_session_free(handle) }

  // MARK: Rest

  /// Gives most of the memory back until `wake`.
  ///
  /// - Returns: the bytes that are kept of what was given back; 0 when nothing was.
  @discardableResult
  func rest() -> Int { unsafe copenssl_session_rest(handle) }

  func wake() { unsafe copenssl_session_wake(handle) }

  // MARK: Before the handshake

  /// What this end shows.
  package func use(_ certificate: Certificate) throws(TLSFailure) {
    do throws(OpenSSLError) {
      try unsafe certificate.install(on: copenssl_session_of_openssl(handle))
    } catch {
      throw .refused(error)
    }
    self.certificate = certificate
  }

  /// Speaks TLS-ALPN-01 (RFC 8737) in place of the context's protocols.
  package func useChallengeProtocol() {
    // SAFETY: a literal's bytes live for ever.
    let list: StaticString = "\u{a}acme-tls/1"
    unsafe copenssl_session_set_protocols(handle, list.utf8Start, list.utf8CodeUnitCount)
  }

  /// The name or address that the server must prove.
  package func setPeer(_ name: String, isAddress: Bool) throws(TLSFailure) {
    let result = unsafe copenssl_session_set_peer_name(handle, name, isAddress ? 1 : 0)
    guard result == 1 else { throw .refused(.take()) }
  }

  // MARK: Moving bytes

  // SAFETY (of all below): the buffers are borrowed for the call, and C keeps no pointer after it.

  func handshake(_ incoming: inout ByteBuffer, _ outgoing: inout ByteBuffer) -> TLSProgress {
    unsafe send(&incoming, to: &outgoing) { wire in
      unsafe copenssl_session_handshake(handle, &wire)
    }
  }

  /// Decrypts as many records as have come and as there is room for; `done` when anything was.
  func read(
    _ incoming: inout ByteBuffer, into buffer: inout ByteBuffer, limit: Int
  ) -> TLSProgress {
    var outcome = COPENSSL_FAILED
    var wire = unsafe copenssl_wire()
    _ = unsafe buffer.appendUnsafe(limit: limit) { room in
      guard let base = room.baseAddress else { return 0 }
      return unsafe incoming.bytes.withUnsafeBytes { bytes in
        var count = 0
        unsafe wire.lend(bytes)
        outcome = unsafe copenssl_session_read(handle, &wire, base, room.count, &count)
        return count
      }
    }
    incoming.consume(unsafe wire.in_used)
    return TLSProgress(outcome)
  }

  /// Looks into what has come: `done` when there are plain bytes, which stay unread.
  func peek(_ incoming: inout ByteBuffer) -> TLSProgress {
    var wire = unsafe copenssl_wire()
    let outcome = unsafe incoming.bytes.withUnsafeBytes { bytes in
      unsafe wire.lend(bytes)
      return unsafe copenssl_session_peek(handle, &wire)
    }
    incoming.consume(unsafe wire.in_used)
    return TLSProgress(outcome)
  }

  /// Encrypts all bytes.
  ///
  /// - Precondition: `outgoing` has room for them and 256 bytes for each 16 KiB begun.
  func write(_ plain: RawSpan, to outgoing: inout ByteBuffer) -> TLSProgress {
    var incoming = ByteBuffer()
    return unsafe send(&incoming, to: &outgoing) { wire in
      unsafe plain.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return COPENSSL_DONE }
        var written = 0
        return unsafe copenssl_session_write(handle, &wire, base, bytes.count, &written)
      }
    }
  }

  /// Writes close_notify.
  func finish(_ outgoing: inout ByteBuffer) {
    var incoming = ByteBuffer()
    _ = unsafe send(&incoming, to: &outgoing) { wire in
      unsafe copenssl_session_finish(handle, &wire)
      return COPENSSL_DONE
    }
  }

  @unsafe private func send(
    _ incoming: inout ByteBuffer, to outgoing: inout ByteBuffer,
    _ call: (inout copenssl_wire) -> copenssl_outcome
  ) -> TLSProgress {
    var outcome = COPENSSL_FAILED
    var wire = unsafe copenssl_wire()
    _ = unsafe outgoing.appendUnsafe { room in
      unsafe incoming.bytes.withUnsafeBytes { bytes in
        unsafe wire.lend(bytes)
        unsafe wire.out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe wire.out_room = room.count
        outcome = unsafe call(&wire)
        return unsafe wire.out_used
      }
    }
    incoming.consume(unsafe wire.in_used)
    return TLSProgress(outcome)
  }

  /// Whether a read would give something without another byte from the wire.
  var hasPlain: Bool { unsafe copenssl_session_has_plain(handle) != 0 }

  /// Whether reads had to answer the peer.
  var hasSpill: Bool { unsafe copenssl_session_spilled(handle) > 0 }

  func takeSpill(to outgoing: inout ByteBuffer) {
    _ = unsafe outgoing.appendUnsafe { room in
      guard let base = room.baseAddress else { return 0 }
      return unsafe copenssl_session_take_spill(handle, base, room.count)
    }
  }

  /// Lets go of what only the handshake needed.
  func settle() { unsafe copenssl_session_settle(handle) }
}

extension copenssl_wire {
  fileprivate mutating func lend(_ bytes: UnsafeRawBufferPointer) {
    unsafe `in` = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    unsafe in_count = bytes.count
  }
}
