// The session cookie: given out, recognised, and nothing else.
import Testing

@testable import Balancing

private let key = SipHash.Key(1, 2)
private let old = SipHash.Key(3, 4)
private let app = HashKey.of("app")

private func sessions(
  _ count: Int = 5, upstream: UInt64 = app, keys: [SipHash.Key] = [key]
) -> StickySessions {
  StickySessions(upstream: upstream, servers: servers(count), keys: keys)
}

private func server(_ text: String, _ sessions: StickySessions) -> Int? {
  let bytes = Array(text.utf8)
  // SAFETY: bytes have no padding to show.
  return sessions.server(for: unsafe bytes.span.bytes)?.index
}

@Test func `each server's cookie brings the client back to it`() {
  let sessions = sessions()
  let cookies = (0..<5).map { sessions.cookie(for: $0).text }
  #expect(cookies.map { server($0, sessions) } == [0, 1, 2, 3, 4])
  #expect(Set(cookies).count == 5)
  #expect(cookies.allSatisfy { $0.utf8.count == StickyCookie.count })
}

@Test func `a cookie is the same after a reload that moves the servers`() {
  let before = sessions(3).cookie(for: 2).text
  let moved = StickySessions(
    upstream: app, servers: Array(servers(5).reversed()), keys: [key])
  #expect(server(before, moved) == 2 && moved.cookie(for: 2).text == before)
  #expect(server(sessions(3).cookie(for: 1).text, moved) == 3)
  #expect(server(sessions(5).cookie(for: 4).text, sessions(3)) == nil, "its server is gone")
}

@Test func `a cookie of another upstream or another key is void`() {
  let cookie = sessions().cookie(for: 1).text
  #expect(server(cookie, sessions(upstream: HashKey.of("other"))) == nil)
  #expect(server(cookie, sessions(keys: [old])) == nil)
}

@Test func `a cookie under an old key is taken and given out anew`() {
  let cookie = Array(sessions(keys: [old]).cookie(for: 3).text.utf8)
  let now = sessions(keys: [key, old])
  // SAFETY: bytes have no padding to show.
  let found = now.server(for: unsafe cookie.span.bytes)
  #expect(found?.index == 3 && found?.isOld == true)
  let fresh = Array(now.cookie(for: 3).text.utf8)
  #expect(fresh != cookie)
  // SAFETY: as above.
  #expect(unsafe now.server(for: fresh.span.bytes)?.isOld == false)
}

@Test func `one changed bit or byte voids a cookie`() {
  let sessions = sessions()
  let cookie = Array(sessions.cookie(for: 2).text.utf8)
  for position in cookie.indices {
    for byte in UInt8.min...UInt8.max where byte != cookie[position] {
      var forged = cookie
      forged[position] = byte
      // SAFETY: bytes have no padding to show.
      #expect(unsafe sessions.server(for: forged.span.bytes) == nil)
    }
  }
}

@Test func `a cookie of another length is void`() {
  let sessions = sessions()
  let cookie = sessions.cookie(for: 2).text
  #expect(server(cookie, sessions) == 2)
  for text in ["", String(cookie.dropLast()), cookie + "A", cookie + cookie] {
    #expect(server(text, sessions) == nil)
  }
}

@Test func `a cookie does not tell the address`() {
  let identity = servers(1)[0].identity
  let cookie = sessions(1).cookie(for: 0)
  #expect(cookie != StickyCookie(low: identity, high: identity))
  #expect(sessions(1, keys: [old]).cookie(for: 0) != cookie)
}
