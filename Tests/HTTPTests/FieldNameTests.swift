// Every name the proxy knows is recognised in any case, and nothing like it is.
import Testing

@testable import HTTP

private let names: [(String, FieldName)] = [
  ("Connection", .connection), ("Content-Length", .contentLength),
  ("Transfer-Encoding", .transferEncoding), ("Host", .host), ("Expect", .expect),
  ("Upgrade", .upgrade), ("Keep-Alive", .keepAlive), ("Proxy-Connection", .proxyConnection),
  ("TE", .te), ("Trailer", .trailer), ("HTTP2-Settings", .http2Settings),
  ("Proxy-Authenticate", .proxyAuthenticate), ("Proxy-Authorization", .proxyAuthorization),
  ("Proxy-Authentication-Info", .proxyAuthenticationInfo), ("X-Forwarded-For", .xForwardedFor),
  ("X-Forwarded-Proto", .xForwardedProto), ("X-Forwarded-Host", .xForwardedHost),
  ("X-Forwarded-Port", .xForwardedPort), ("X-Real-IP", .xRealIP), ("X-Request-ID", .xRequestID),
  ("Forwarded", .forwarded), ("Via", .via), ("Proxy", .proxy), ("Authorization", .authorization),
  ("Authentication-Info", .authenticationInfo), ("WWW-Authenticate", .wwwAuthenticate),
  ("Cookie", .cookie), ("Set-Cookie", .setCookie), ("Date", .date), ("Server", .server),
  ("Age", .age), ("Cache-Control", .cacheControl), ("Expires", .expires), ("Location", .location),
  ("Retry-After", .retryAfter), ("Vary", .vary), ("Range", .range),
  ("Max-Forwards", .maxForwards), ("If-Match", .ifMatch), ("If-None-Match", .ifNoneMatch),
  ("If-Modified-Since", .ifModifiedSince), ("If-Unmodified-Since", .ifUnmodifiedSince),
  ("If-Range", .ifRange), ("Content-Type", .contentType), ("Content-Encoding", .contentEncoding),
  ("Content-Range", .contentRange),
]

private func known(_ name: [UInt8]) -> FieldName { FieldName(unsafe name.span.bytes) }

@Test(arguments: names) func `a known name is recognised and no name like it`(
  name: String, expected: FieldName
) {
  #expect(known(Array(name.utf8)) == expected)
  #expect(known(Array(name.lowercased().utf8)) == expected)
  #expect(known(Array(name.uppercased().utf8)) == expected)
  #expect(known(Array((name + "x").utf8)) == .other)
  #expect(known(Array(name.utf8.dropLast())) == .other)
  for i in name.utf8.indices {
    // Every token byte but the letter itself, in every place.
    for byte in UInt8.min...UInt8.max where ASCII.token.contains(byte) {
      var bytes = Array(name.utf8)
      let offset = name.utf8.distance(from: name.utf8.startIndex, to: i)
      if ASCII.lowercased(bytes[offset]) == ASCII.lowercased(byte) { continue }
      bytes[offset] = byte
      #expect(known(bytes) == .other)
    }
  }
}

@Test func `every known name is in the table`() {
  for raw in UInt8(1)...60 {
    guard let name = FieldName(rawValue: raw) else { continue }
    #expect(names.contains { $0.1 == name })
  }
}

@Test func `trailers may carry nothing that frames, routes, authorises or describes`() {
  #expect(names.filter { $0.1.isAllowedInTrailers }.map(\.0) == ["Date", "Server"])
  #expect(FieldName.other.isAllowedInTrailers)
}

@Test func `the fields of one hop are known`() {
  #expect(
    names.filter { $0.1.isHopByHop }.map(\.1) == [
      .connection, .transferEncoding, .upgrade, .keepAlive, .proxyConnection, .te, .trailer,
      .http2Settings, .proxy,
    ])
}

@Test func `the byte sets are those of the grammars`() {
  for byte in UInt8.min...UInt8.max {
    let character = Character(Unicode.Scalar(byte))
    let isAlphanumeric = byte < 128 && (character.isLetter || character.isNumber)
    #expect(ASCII.token.contains(byte) == (isAlphanumeric || "!#$%&'*+-.^_`|~".contains(character)))
    #expect(ASCII.unreserved.contains(byte) == (isAlphanumeric || "-._~".contains(character)))
    #expect(
      ASCII.regName.contains(byte) == (isAlphanumeric || "-._~!$&'()*+;=".contains(character)))
  }
}

@Test func `a group holds the bytes at its offset, and NULs behind the end`() {
  for count in 0..<40 {
    let bytes = (0..<count).map { UInt8(1 + $0) }
    let span = unsafe bytes.span.bytes
    for offset in 0...count {
      let group = span.group(at: offset)
      for lane in 0..<16 {
        #expect(group[lane] == (offset + lane < count ? bytes[offset + lane] : 0))
      }
    }
  }
}

@Test func `no known name is found by its length and ending alone`() {
  for (name, _) in names {
    let ending = name.utf8.suffix(2)
    let alike = [UInt8](repeating: 0x7e, count: name.utf8.count - 2) + ending
    if name.utf8.count > 2 { #expect(known(alike) == .other) }
  }
}

@Test func `a search finds its byte at every offset of every length`() {
  for count in 0..<70 {
    for offset in 0...count {
      var bytes = [UInt8](repeating: 0x61, count: count)
      if offset < count { bytes[offset] = 0x0d }
      let span = unsafe bytes.span.bytes
      for start in 0...offset {
        #expect(span.firstControl(from: start) == offset)
        #expect(span.firstNonName(from: start) == offset)
        #expect(span.firstNonHost(from: start) == offset)
        #expect(span.firstTargetEnd(from: start) == offset)
      }
    }
  }
}

@Test func `a search tells every byte rightly, in long spans and short`() {
  for byte in UInt8.min...UInt8.max {
    for count in [1, 16] {
      let bytes = [UInt8](repeating: byte, count: count)
      let span = unsafe bytes.span.bytes
      let isControl = (byte < 0x20 && byte != 9) || byte == 0x7f
      let isName =
        byte == 0x2d
        || (ASCII.unreserved.contains(byte) && byte != 0x2e && byte != 0x5f
          && byte != 0x7e)
      let isTarget = byte > 0x20 && byte < 0x7f && byte != 0x23 && byte != 0x3f
      #expect((span.firstControl(from: 0) == 0) == isControl)
      #expect((span.firstNonName(from: 0) == 0) == !isName)
      #expect((span.firstNonHost(from: 0) == 0) == !(isName || byte == 0x2e))
      #expect((span.firstTargetEnd(from: 0) == 0) == !isTarget)
      let isOdd = !isTarget || byte == 0x25 || byte == 0x5c || (byte == 0x2f && count > 1)
      #expect((span.firstPathOddity() != nil) == isOdd)
    }
  }
}
