// What the two ends have agreed on, and who the other one is: asked of OpenSSL when something needs
// it, so that a connection nobody asks about keeps no texts.
import COpenSSL

extension TLSSession {
  /// As nginx's $ssl_protocol writes it.
  package var protocolName: StaticString {
    switch unsafe copenssl_session_version(handle) {
    case 0x0304: "TLSv1.3"
    case 0x0303: "TLSv1.2"
    default: ""
    }
  }

  /// The cipher suite, by OpenSSL's name.
  package var cipherName: String {
    guard let name = unsafe copenssl_session_cipher(handle) else { return "" }
    // SAFETY: the name is a constant of the library.
    return unsafe String(cString: name)
  }

  /// Whether an earlier session was taken up again.
  package var wasResumed: Bool { unsafe copenssl_session_was_resumed(handle) != 0 }

  /// What ALPN has chosen; empty for nothing.
  package var applicationProtocol: String {
    var count = 0
    guard let name = unsafe copenssl_session_protocol(handle, &count) else { return "" }
    // SAFETY: the name lives as long as the session, and is `count` bytes long.
    return unsafe String(
      decoding: UnsafeBufferPointer(start: name, count: count), as: UTF8.self)
  }

  /// The name that the client has asked for by SNI, as OpenSSL has read it.
  package var askedName: String? {
    guard let name = unsafe copenssl_session_asked_name(handle) else { return nil }
    // SAFETY: the name lives as long as the session and ends with a NUL.
    return unsafe String(cString: name)
  }

  /// Whether the peer has shown a certificate.
  package var hasPeerCertificate: Bool { unsafe copenssl_session_has_peer(handle) != 0 }

  /// The subject of the peer's certificate (RFC 2253), at most so many bytes of it; empty for none.
  package func peerSubject(limit: Int) -> String {
    // SAFETY: at most `limit` bytes are written to room for as many.
    unsafe String(unsafeUninitializedCapacity: limit) { room in
      guard let base = room.baseAddress else { return 0 }
      return unsafe copenssl_session_peer_subject(handle, base, limit)
    }
  }

  /// Says beside an error of the handshake what was wrong with the peer's certificate.
  func explain(_ error: OpenSSLError) -> OpenSSLError {
    let result = unsafe copenssl_session_verify_result(handle)
    guard result != 0 else { return error }
    // SAFETY: as below.
    let words = unsafe String(cString: copenssl_verify_words(result))
    return OpenSSLError(code: error.code, description: "\(error.description): \(words)")
  }

  /// What verifying the client has found, as nginx's $ssl_client_verify writes it: `NONE`, `SUCCESS`,
  /// `FAILED:why`.
  package var clientVerification: String {
    guard hasPeerCertificate else { return "NONE" }
    let result = unsafe copenssl_session_verify_result(handle)
    // SAFETY: the words are a constant of the library.
    if result == 0 { return "SUCCESS" }
    return unsafe "FAILED:" + String(cString: copenssl_verify_words(result))
  }
}
