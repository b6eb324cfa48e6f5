// The handshake of an authority that looks whether a name leads here (RFC 8737): it offers the protocol
// acme-tls/1 and no other, sees a certificate that stands for the key of our account, and goes.
import Bytes
import IO
import Preamble
import TLS
import Telemetry

extension ChallengeTable {
  /// What is shown to an authority whose connection begins with this.
  ///
  /// - Returns: nil for every other client, and where the name is under no order of ours: then it may
  ///   be for a server that the name's connections are passed through to.
  func certificate(for hello: ClientHello) -> Certificate? {
    guard !certificates.isEmpty, hello.isOfAuthority, let name = hello.serverName else {
      return nil
    }
    return certificates[name.lowercased()]
  }
}

extension ClientHello {
  /// RFC 8737 3: a list of the one protocol, each of whose names stands behind its length.
  var isOfAuthority: Bool {
    offers("acme-tls/1") && protocols.count == 1 + "acme-tls/1".utf8.count
  }
}

extension Worker {
  /// Shakes hands with an authority. No byte is exchanged afterwards.
  func showChallenge(
    _ certificate: Certificate, on start: consuming ConnectionStart,
    until deadline: Moment
  ) async {
    let peer = start.peer
    do throws(TLSFailure) {
      let session = try challengeSession(certificate)
      var stream = try await TLSStream.accept(
        start.stream, received: start.received, session, on: state.reactor, state.buffers,
        until: deadline)
      stream.finishWriting()
      _ = await state.reactor.wait(for: stream.hangupInterest, until: deadline)
    } catch {
      Log.debug("\(peer): no handshake for a challenge: \(error)")
    }
  }

  private func challengeSession(_ certificate: Certificate) throws(TLSFailure) -> TLSSession {
    let context: TLSContext
    do throws(OpenSSLError) { context = try TLSContext(TLSContext.ServerOptions()) } catch {
      throw .refused(error)
    }
    let session = try TLSSession(accepting: context)
    try session.use(certificate)
    session.useChallengeProtocol()
    return session
  }
}
