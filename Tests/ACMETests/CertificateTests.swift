// What OpenSSL makes for us: requests, and certificates that answer a challenge; and what it reads.
import TLS
import Testing

@testable import ACME

struct CertificateTests {
  private static let name = "a.example.com"

  @Test func `a certificate request is for the name and nothing else`() throws {
    let request = try SigningKey.generate().certificateRequest(for: Self.name)
    // A subjectAltName (2.5.29.17) with one dNSName in it: RFC 5280 4.2.1.6.
    let wanted =
      [0x06, 0x03, 0x55, 0x1d, 0x11, 0x04, 0x11, 0x30, 0x0f, 0x82, 0x0d] + Array(Self.name.utf8)
    #expect(request.contains(wanted))
    // An empty subject.
    #expect(request.contains([0x02, 0x01, 0x00, 0x30, 0x00]))
  }

  @Test func `a name is written as it is, whatever OpenSSL's own syntax would make of it`() throws {
    let name = "a,DNS:b.example"
    let request = try SigningKey.generate().certificateRequest(for: name)
    #expect(request.contains([0x82, UInt8(name.utf8.count)] + Array(name.utf8)))
  }

  @Test func `a certificate for tls-alpn-01 holds the digest in a critical extension`() throws {
    let response = try ChallengeResponse(
      .tlsALPN01, for: Self.name, token: "token", thumbprint: "print")
    #expect(response.keyAuthorization == "token.print")
    let pem = try #require(response.certificate)
    let digest = SHA256.digest(Array("token.print".utf8))
    // RFC 8737 3 and 6.1: 1.3.6.1.5.5.7.1.31, critical, an OCTET STRING in the extension's own.
    let extensionBytes: [UInt8] =
      [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f, 0x01, 0x01, 0xff]
      + [0x04, 0x22, 0x04, 0x20] + digest
    #expect(der(pem).contains(extensionBytes))
    #expect(try SigningKey(pem: pem).dates(ofCertificate: pem, for: Self.name) != nil)
  }

  @Test func `a file for http-01 needs no certificate`() throws {
    let response = try ChallengeResponse(
      .http01, for: Self.name, token: "token", thumbprint: "print")
    #expect(response.certificate == nil)
    #expect(response.keyAuthorization == "token.print")
  }

  @Test func `a certificate is one's own by its key and its name`() throws {
    let key = try SigningKey.generate()
    let pem = try key.selfSignedCertificate(for: Self.name, days: 30)
    let dates = try #require(key.dates(ofCertificate: pem, for: Self.name))
    #expect(dates.notAfter - dates.notBefore == 30 * 86400)
    #expect(key.dates(ofCertificate: pem, for: "b.example.com") == nil)
    #expect(try SigningKey.generate().dates(ofCertificate: pem, for: Self.name) == nil)
    #expect(key.dates(ofCertificate: Array("nothing".utf8), for: Self.name) == nil)
  }

  @Test func `the longest name is certified, too`() throws {
    let label = String(repeating: "a", count: 61)
    let name = [label, label, label, label, "abcde"].joined(separator: ".")
    #expect(name.utf8.count == 253)
    let key = try SigningKey.generate()
    #expect(key.dates(ofCertificate: try key.selfSignedCertificate(for: name), for: name) != nil)
    #expect(try key.certificateRequest(for: name).contains(Array(name.utf8)))
  }
}

/// The bytes of the first block of a PEM text.
private func der(_ pem: [UInt8]) -> [UInt8] {
  let lines = String(decoding: pem, as: UTF8.self).split(separator: "\n")
  let block = lines.dropFirst().prefix { !$0.hasPrefix("-") }.joined()
  // The other alphabet, and padding.
  return decode(
    String(block.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" }))
}
