// The body of a ClientHello (RFC 8446 4.1.2):
//
//     version 2, random 32, session id <0..32>, cipher suites <2..2^16-2>, compression <1..255>,
//     extensions <8..2^16-1>, each: type 2, data <0..2^16-1>
import Bytes

extension ClientHello {
  private enum Extension {
    static let serverName = 0
    static let signatureAlgorithms = 13
    static let applicationProtocols = 16
    static let supportedVersions = 43
  }

  /// Reads the message without its header of four bytes.
  init(_ body: RawSpan) throws(PreambleError) {
    var cursor = Cursor(body)
    _ = try cursor.take(2 + 32)
    let session = try cursor.vector(1)
    let suites = try cursor.vector(2)
    let compression = try cursor.vector(1)
    guard session.byteCount <= 32, suites.byteCount >= 2, suites.byteCount.isMultiple(of: 2),
      !compression.isEmpty
    else { throw .malformed }
    sessionIDCount = session.byteCount
    // A client of TLS 1.2 may have no extensions at all.
    if cursor.isAtEnd { return }
    var extensions = Cursor(try cursor.vector(2))
    guard cursor.isAtEnd else { throw .malformed }
    // RFC 8446 4.2: each of a type at most once. Those that are not read are not compared.
    var seen: UInt64 = 0
    while !extensions.isAtEnd {
      let type = try extensions.number(2)
      let data = try extensions.vector(2)
      if type < 64 {
        guard seen & 1 << UInt64(type) == 0 else { throw .illegal }
        seen |= 1 << UInt64(type)
      }
      try read(type, data)
    }
    // Before TLS 1.3 the cipher suite says with which key it is signed, too.
    if !offersTLS13, !Self.hasECDSASuite(suites) { offersECDSA = false }
  }

  private mutating func read(_ type: Int, _ data: RawSpan) throws(PreambleError) {
    var cursor = Cursor(data)
    switch type {
    case Extension.serverName:
      serverName = try Self.hostName(in: try cursor.vector(2))
    case Extension.applicationProtocols:
      protocols = try Self.protocols(in: try cursor.vector(2))
    case Extension.signatureAlgorithms:
      let schemes = try cursor.vector(2)
      offersECDSA = try Self.contains(schemes) { scheme in
        // ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ecdsa_secp521r1_sha512 (RFC 8446 4.2.3)
        scheme == 0x0403 || scheme == 0x0503 || scheme == 0x0603
      }
    case Extension.supportedVersions:
      let versions = try cursor.vector(1)
      offersTLS13 = try Self.contains(versions) { $0 == 0x0304 }
    default:
      return
    }
    guard cursor.isAtEnd else { throw .malformed }
  }

  /// RFC 6066 3: names of which each is of another type; there has only ever been one type.
  private static func hostName(in list: RawSpan) throws(PreambleError) -> String? {
    var cursor = Cursor(list)
    guard !cursor.isAtEnd else { throw .malformed }
    var found: String?
    while !cursor.isAtEnd {
      let type = try cursor.number(1)
      let name = try cursor.vector(2)
      guard type == 0 else { continue }
      guard found == nil, let text = hostName(name) else { throw .illegal }
      found = text
    }
    return found
  }

  /// A name in small letters and without a final dot; nil when it cannot be one. What names the
  /// configuration has is the look-up's matter, so labels are not counted here.
  private static func hostName(_ bytes: RawSpan) -> String? {
    var count = bytes.byteCount
    if count > 1, bytes.octet(count - 1) == 0x2e { count -= 1 }
    guard 1...253 ~= count else { return nil }
    var name: [UInt8] = []
    name.reserveCapacity(count)
    for i in 0..<count {
      switch bytes.octet(i) {
      case 0x30...0x39, 0x61...0x7a, 0x2d, 0x2e, 0x5f: name.append(bytes.octet(i))
      case 0x41...0x5a: name.append(bytes.octet(i) | 0x20)
      default: return nil
      }
    }
    return String(decoding: name, as: UTF8.self)
  }

  /// RFC 7301 3.1: at least one name, none empty.
  private static func protocols(in list: RawSpan) throws(PreambleError) -> [UInt8] {
    var cursor = Cursor(list)
    guard !cursor.isAtEnd else { throw .malformed }
    while !cursor.isAtEnd {
      guard try !cursor.vector(1).isEmpty else { throw .malformed }
    }
    return list.copied
  }

  /// Whether one of the numbers of two bytes, of which there is at least one, is looked for.
  private static func contains(
    _ list: RawSpan, _ matches: (Int) -> Bool
  ) throws(PreambleError) -> Bool {
    var cursor = Cursor(list)
    guard !cursor.isAtEnd else { throw .malformed }
    var found = false
    while !cursor.isAtEnd {
      if matches(try cursor.number(2)) { found = true }
    }
    return found
  }

  /// The suites of TLS 1.2 with ECDHE_ECDSA and a cipher that OpenSSL still offers (RFC 5289, 7251,
  /// 7905; RFC 8422 for CBC).
  private static func hasECDSASuite(_ suites: RawSpan) -> Bool {
    (try? contains(suites) { suite in
      switch suite {
      case 0xc009, 0xc00a, 0xc023, 0xc024, 0xc02b, 0xc02c, 0xcca9, 0xc0ac...0xc0af: true
      default: false
      }
    }) ?? false
  }
}
