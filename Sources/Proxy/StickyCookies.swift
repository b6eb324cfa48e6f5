// Sessions of an upstream: which server a client's cookie means, and the line that gives it one.
import Balancing
import Bytes
import Configuration
import HTTP

/// The cookies of one upstream's servers. Worker-confined; made again when the servers change.
struct StickyCookies {
  private let name: [UInt8]
  private let sessions: StickySessions

  /// Writes each server's line, too. nil where `balance` is not `sticky`.
  init?(_ upstream: UpstreamPlan) {
    guard upstream.options.balance == .sticky else { return nil }
    let options = upstream.options.sticky ?? StickyOptions()
    let keys = options.secrets.map(SipHash.Key.init(secret:))
    name = Array(options.cookie.utf8)
    sessions = StickySessions(
      upstream: HashKey.of(upstream.name), servers: upstream.balancer.servers,
      keys: keys.isEmpty ? [upstream.context.commons.stickyKey] : keys)
    var attributes = "; Path=/; HttpOnly; SameSite=Lax"
    if let age = options.maxAgeSeconds { attributes += "; Max-Age=\(age)" }
    if options.isSecure { attributes += "; Secure" }
    for server in upstream.servers {
      let value = sessions.cookie(for: server.index).text
      server.cookieLine = Array("Set-Cookie: \(options.cookie)=\(value)\(attributes)\r\n".utf8)
    }
  }

  /// The server that a request's cookie means, and whether the cookie is to be given out anew. nil
  /// when it has none, or none of ours.
  func server(of request: RequestHead, in bytes: RawSpan) -> (index: Int, isOld: Bool)? {
    for field in request.fields where field.known == .cookie {
      let value = bytes.slice(field.value)
      var position = 0
      while let range = value.cookie(named: name, from: &position) {
        if let found = sessions.server(for: value.extracting(range)) { return found }
      }
    }
    return nil
  }
}

extension SipHash.Key {
  /// The key that a configured secret stands for.
  init(secret: String) {
    let (low, high) = SipHash.hash128(
      secret.utf8Span.span, key: SipHash.Key(0x7273_7020_7374_6963, 0x6B79_2073_6563_7265))
    self.init(low, high)
  }
}

extension RawSpan {
  /// The value of the next cookie of a name, from `position` on, which is moved behind it.
  /// RFC 6265 4.2.1: `a=b; c=d`; blanks are tolerated where browsers send them.
  func cookie(named name: [UInt8], from position: inout Int) -> Range<Int>? {
    while position < byteCount {
      var start = position
      var end = start
      while end < byteCount, self[end] != UInt8(ascii: ";") { end += 1 }
      position = end + 1
      while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
      while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
      guard end - start > name.count, self[start + name.count] == UInt8(ascii: "=") else {
        continue
      }
      if name.indices.allSatisfy({ self[start + $0] == name[$0] }) {
        return start + name.count + 1..<end
      }
    }
    return nil
  }
}
