// What OpenSSL makes for us: requests, and certificates that answer a challenge; and what it reads.
import TLS
import Testing

@testable import ACME

struct CertificateTests {
  private static let name = "a.example.com"

  @Test func `a certificate request is for the name and nothing else`() throws {
    let request = try PrivateKey.make().certificateRequest(for: Self.name)
    // A subjectAltName (2.5.29.17) with one dNSName in it: RFC 5280 4.2.1.6.
    let wanted =
      [0x06, 0x03, 0x55, 0x1d, 0x11, 0x04, 0x11, 0x30, 0x0f, 0x82, 0x0d] + Array(Self.name.utf8)
    #expect(request.contains(wanted))
    // An empty subject.
    #expect(request.contains([0x02, 0x01, 0x00, 0x30, 0x00]))
  }

  @Test func `a name is written as it is, whatever OpenSSL's own syntax would make of it`() throws {
    let name = "a,DNS:b.example"
    let request = try PrivateKey.make().certificateRequest(for: name)
    #expect(request.contains([0x82, UInt8(name.utf8.count)] + Array(name.utf8)))
  }

  @Test func `a certificate for tls-alpn-01 holds the digest in a critical extension`() throws {
    let response = try ChallengeResponse(
      .tlsALPN01, for: Self.name, token: "token", thumbprint: "print")
    #expect(response.keyAuthorization == "token.print")
    let certificate = try #require(response.certificate)
    let digest = SHA256.digest(Array("token.print".utf8))
    // RFC 8737 3 and 6.1: 1.3.6.1.5.5.7.1.31, critical, an OCTET STRING in the extension's own.
    let extensionBytes: [UInt8] =
      [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f, 0x01, 0x01, 0xff]
      + [0x04, 0x22, 0x04, 0x20] + digest
    let der = try #require(PEM(certificate.pem).certificates.first)
    #expect(der.bytes.contains(extensionBytes))
    #expect(certificate.names == SubjectNames(hosts: [Self.name]))
  }

  @Test func `a file for http-01 needs no certificate`() throws {
    let response = try ChallengeResponse(
      .http01, for: Self.name, token: "token", thumbprint: "print")
    #expect(response.certificate == nil)
    #expect(response.keyAuthorization == "token.print")
  }

  @Test func `the longest name is asked for as it is`() throws {
    let label = String(repeating: "a", count: 61)
    let name = [label, label, label, label, "abcde"].joined(separator: ".")
    #expect(name.utf8.count == 253)
    #expect(try PrivateKey.make().certificateRequest(for: name).contains(Array(name.utf8)))
  }
}
