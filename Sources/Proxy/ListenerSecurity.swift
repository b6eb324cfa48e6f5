// What a listener needs to speak TLS, and what it tells of a request's security.
import Bytes
import HTTP
import IO
import Routing
import TLS

/// TLS on a listener: made once for all workers at a start or a reload.
package struct ListenerSecurity: Sendable {
  package let context: TLSContext
  package let certificates: CertificateStore
  /// How long a handshake may take.
  let handshakeMilliseconds: Int64

  package init(
    context: TLSContext, certificates: CertificateStore, handshakeMilliseconds: Int64 = 10_000
  ) {
    self.context = context
    self.certificates = certificates
    self.handshakeMilliseconds = handshakeMilliseconds
  }

  /// The certificate for a client that asks for this name; nil when there is none at all.
  func certificate(for name: String?, ecdsa: Bool) -> Certificate? {
    if let name {
      var name = name
      let found = name.withUTF8Span { certificates.find($0, ecdsa: ecdsa) }
      if let found { return found }
    }
    return certificates.standard(ecdsa: ecdsa)
  }
}

extension String {
  /// Lends the bytes.
  mutating func withUTF8Span<Result>(_ use: (RawSpan) -> Result) -> Result {
    makeContiguousUTF8()
    // SAFETY: a UInt8 has no padding that could be read.
    return unsafe use(utf8Span.span.bytes)
  }
}

extension ClientConnection where Stream: ~Copyable {
  /// Whether the client speaks TLS with us.
  var speaksTLS: Bool { tls != nil }

  /// RFC 9110 15.5.20 and behaviour 18: over a connection that was made for one name, requests come for
  /// that name, or for others that its certificate is for. Where nobody has the name at all, another
  /// server may be meant, too.
  func refuseMisdirected(hasSite: Bool) -> ErrorAnswer? {
    if hasSite, input.withBytes({ isMeant($0.slice(request.host)) }) { return nil }
    return ErrorAnswer(
      .misdirectedRequest, "the connection was not made for this host", keepAlive: mayPersist)
  }

  private func isMeant(_ host: RawSpan) -> Bool {
    guard let tls, host.byteCount > 0 else { return true }
    let name = host.extracting(0..<host.hostEnd)
    if var asked = tls.serverName {
      if asked.withUTF8Span({ name.equalsIgnoringCase($0) }) { return true }
    } else if InternetAddress(name.withoutBrackets) != nil {
      // No client can ask for an address (RFC 6066 3).
      return true
    }
    return tls.certificate?.covers(host) ?? false
  }

  /// Appends what TLS says of the client; nothing without it.
  func appendSecurity(
    _ variable: TemplateVariable, to head: inout ByteBuffer
  ) throws(NoRoom) {
    guard let tls else { return }
    switch variable {
    case .https: try head.write("on")
    case .tlsProtocol: try head.write(tls.protocolName)
    case .tlsCipher: try head.write(tls.cipherName)
    case .tlsServerName: try head.write(tls.serverName ?? "")
    case .tlsSessionReused: try head.write(tls.wasResumed ? "r" : ".")
    case .tlsClientVerify: try head.write(tls.clientVerification)
    case .tlsClientSubject:
      let subject = tls.peerSubject(limit: longestOtherVariable + 1)
      // A part of a name is another name.
      guard subject.utf8.count <= longestOtherVariable else { throw NoRoom() }
      try head.write(subject)
    default: break
    }
  }
}

extension RawSpan {
  /// The address in `[::1]`; anything else as it is.
  var withoutBrackets: RawSpan {
    @_lifetime(copy self)
    get {
      byteCount > 2 && self[0] == 0x5b && self[byteCount - 1] == 0x5d
        ? extracting(1..<byteCount - 1) : self
    }
  }
}
