// What is read of a certificate, and what is said when something is wrong with one.
import Bytes
import Routing
import Testing

@testable import TLS

@Suite struct CertificateTests {
  func covers(_ certificate: Certificate, _ host: String) -> Bool {
    Array(host.utf8).withBytes { certificate.covers($0) }
  }

  @Test func `names, times and the kind of key are read`() throws {
    let one = try certificate("A.test", "*.a.test", addresses: ["10.0.0.1", "2001:db8::1"])
    #expect(one.names.hosts == ["a.test", "*.a.test"])
    #expect(one.names.addresses.map(\.description) == ["10.0.0.1", "2001:db8::1"])
    #expect(one.validity == (now - day)...(now + 90 * day))
    #expect(one.keyKind == .ecdsa)
    #expect(one.fingerprint.count == 32)
    #expect(try certificate("a.test", kind: .rsa).keyKind == .rsa)
    #expect(try certificate("a.test", kind: .ed25519).keyKind == .ed25519)
  }

  @Test(arguments: [
    ("a.test", true), ("A.TEST:443", true), ("a.test.", true), ("b.a.test", true),
    ("B.A.test:8443", true), ("c.b.a.test", false), (".a.test", false), ("xa.test", false),
    ("test", false), ("", false), ("10.0.0.1", true), ("10.0.0.1:443", true), ("10.0.0.2", false),
    ("[2001:db8::1]", true), ("[2001:db8:0::1]:443", true), ("[2001:db8::2]", false),
    ("*.a.test", true),
  ])
  func `a wildcard covers one label, an address itself`(host: String, isCovered: Bool) throws {
    let one = try certificate("a.test", "*.a.test", addresses: ["10.0.0.1", "2001:db8::1"])
    #expect(covers(one, host) == isCovered)
  }

  @Test func `what is written as PEM is read again`() throws {
    for kind in [KeyKind.ecdsa, .rsa, .ed25519] {
      let one = try certificate("a.test", kind: kind)
      let pem = try PEM(one.pem)
      #expect(pem.certificates.count == 1)
      let again = try Certificate(
        pem.certificates, key: try #require(pem.keys.first), source: "again")
      #expect(again.fingerprint == one.fingerprint)
      #expect(again.pem == one.pem)
    }
  }

  @Test func `text around the blocks is passed over, and other blocks too`() throws {
    let one = try certificate("a.test")
    let text =
      "Bag Attributes\n" + one.keyText + "subject=x\n"
      + "-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n"
      + one.certificateText + "end"
    let pem = try PEM(Array(text.utf8))
    #expect(pem.certificates.count == 1)
    #expect(pem.keys.count == 1)
  }

  @Test func `a file without PEM is empty, and a broken block an error`() throws {
    #expect(try PEM(Array("no PEM at all\n".utf8)).isEmpty)
    #expect(try PEM([]).isEmpty)
    let text = try certificate("a.test").certificateText
    #expect(throws: OpenSSLError.self) { try PEM(Array(text.utf8.dropLast(40))) }
  }

  @Test(arguments: [KeyKind.ecdsa, .rsa, .ed25519])
  func `another certificate's key is refused`(kind: KeyKind) throws {
    let (one, other) = (
      try certificate("a.test", kind: kind), try certificate("a.test", kind: kind)
    )
    #expect(throws: CertificateProblem.mismatch(certificate: "x")) {
      try Certificate([one.leaf], key: other.key, source: "x")
    }
    #expect(throws: CertificateProblem.noCertificate) {
      try Certificate([], key: other.key, source: "x")
    }
  }

  @Test func `what is no certificate is refused`() throws {
    let one = try certificate("a.test")
    #expect(throws: CertificateProblem.self) {
      try Certificate([one.key], key: one.key, source: "x")
    }
  }
}
