// Who the client is: the socket's other end, or, when that is a trusted proxy, whoever the proxies
// say they were reached from.
import Bytes
import Configuration
import HTTP
import IO
import Routing

extension InternetAddress {
  /// Nil for a Unix socket.
  init?(_ address: SocketAddress) {
    switch address {
    case .v4(let v4, _): self.init(v4: v4)
    case .v6(let high, let low, _, _): self.init(high: high, low: low)
    case .unix: return nil
    }
  }
}

extension ClientConnection where Stream: ~Copyable {
  /// Finds the client behind trusted proxies, for the request whose head has been read.
  func identifyClient() {
    guard let address = InternetAddress(peer) else { return }
    var client = ClientAddress(peer: address, trusted: listener.options.trusted)
    input.withBytes { bytes in
      for field in request.fields.reversed() where field.known == .xForwardedFor {
        if client.isSettled { break }
        client.read(bytes.slice(field.value), listener.options.trusted)
      }
    }
    clientBehindProxies = client.address
    keptIdentifier = saneIdentifier()
  }

  /// The X-Request-ID that a trusted proxy has sent, if it is one, and such as nobody has to fear in
  /// a log: up to 128 letters, digits and `-._~+/=:@`.
  private func saneIdentifier() -> ByteRange? {
    var found: ByteRange?
    for field in request.fields where field.known == .xRequestID {
      if found != nil { return nil }
      found = field.value
    }
    guard let found, 1...128 ~= found.count else { return nil }
    let isSane = input.withBytes { bytes in
      found.range.allSatisfy { Self.isOfIdentifier(bytes[$0]) }
    }
    return isSane ? found : nil
  }

  private static func isOfIdentifier(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    case 0x2b, 0x2d, 0x2e, 0x2f, 0x3a, 0x3d, 0x40, 0x5f, 0x7e: true
    default: false
    }
  }

  /// Appends the client's address.
  ///
  /// - Precondition: `InternetAddress.longestText` bytes fit.
  func append(client buffer: inout ByteBuffer) {
    if let client = clientBehindProxies {
      client.append(to: &buffer)
    } else {
      buffer.append(host: peer)
    }
  }

  /// Appends X-Forwarded-For as it is sent on: what a trusted peer sent, and the peer.
  func appendForwardedFor(to buffer: inout ByteBuffer) throws(NoRoom) {
    if trustsPeer {
      try input.withBytes { bytes throws(NoRoom) in
        try writeValues(of: .xForwardedFor, bytes, to: &buffer)
      }
    }
    guard buffer.tailroom >= 64 else { throw NoRoom() }
    buffer.append(host: peer)
  }
}
