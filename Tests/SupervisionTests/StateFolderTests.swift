// What is kept of an authority's answers from one start to the next, and which challenge comes first.
import ACME
import Glibc
import IO
import TLS
import Testing

@testable import Supervision

struct StateFolderTests {
  private func withFolder(_ body: (StateFolder) throws -> Void) throws {
    var name = Array("/tmp/rsp-test-XXXXXX".utf8CString)
    // SAFETY: mkdtemp writes to the text, which ends with a NUL.
    let made = unsafe mkdtemp(&name) != nil
    #expect(made)
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { remove(path) }
    let folder = StateFolder(path)
    try folder.create()
    try body(folder)
  }

  private func remove(_ path: String) {
    for name in (try? Files.names(in: path)) ?? [] { remove(path + "/" + name) }
    _ = unsafe Glibc.remove(path)
  }

  private func certificate(for name: String) throws -> Certificate {
    try Certificate(selfSignedFor: SubjectNames(hosts: [name]), validity: 1000...4_000_000_000)
  }

  @Test func `a certificate that was written is found again under its name`() throws {
    try withFolder { folder in
      #expect(folder.certificate(for: "a.example") == nil)
      let written = try certificate(for: "a.example")
      try folder.write(written, for: "a.example")
      let found = try #require(folder.certificate(for: "a.example"))
      #expect(found.fingerprint == written.fingerprint)
      #expect(found.validity == written.validity)
      #expect(found.source == folder.root.path + "/certificates/a.example.pem")
    }
  }

  @Test func `a file that holds another name's certificate, or none, is passed over`() throws {
    try withFolder { folder in
      try folder.write(try certificate(for: "b.example"), for: "a.example")
      #expect(folder.certificate(for: "a.example") == nil)
      try folder.certificates.write(Array("no PEM".utf8), to: "a.example.pem")
      #expect(folder.certificate(for: "a.example") == nil)
    }
  }

  @Test(arguments: [246, 247, 253])
  func `the longest names have files, too`(length: Int) throws {
    let label = String(repeating: "a", count: 60)
    let start = [label, label, label].joined(separator: ".") + "."
    let name = start + String(repeating: "b", count: min(60, length - start.utf8.count))
    let full = name + "." + String(repeating: "c", count: length - name.utf8.count - 1)
    #expect(full.utf8.count == length)
    try withFolder { folder in
      try folder.write(try certificate(for: full), for: full)
      #expect(folder.certificate(for: full) != nil)
      let isPlain = folder.path(ofCertificateFor: full).hasSuffix("/\(full).pem")
      #expect(isPlain == (length <= 246))
    }
  }

  @Test func `each authority has an account, whose key stays`() throws {
    try withFolder { folder in
      let first = try folder.accountKey(at: "https://ca.example/dir").thumbprint()
      #expect(try folder.accountKey(at: "https://ca.example/dir").thumbprint() == first)
      #expect(try folder.accountKey(at: "https://ca.example:8443/../x").thumbprint() != first)
      #expect(
        try Files.names(in: folder.accounts.path)
          == ["ca.example_8443_.._x.pem", "ca.example_dir.pem"])
    }
  }

  @Test func `a broken account is told and not replaced`() throws {
    try withFolder { folder in
      try folder.accounts.write(Array("broken".utf8), to: "ca.example_dir.pem")
      #expect(throws: FolderError.self) { try folder.accountKey(at: "https://ca.example/dir") }
      #expect(try folder.accounts.read("ca.example_dir.pem") == Array("broken".utf8))
    }
  }

  @Test func `a challenge that is not met lets the other have the first turn`() {
    let kinds: [ChallengeKind] = [.tlsALPN01, .http01]
    #expect(CertificateAuthority.turned(kinds, by: 0) == kinds)
    #expect(CertificateAuthority.turned(kinds, by: 1) == [.http01, .tlsALPN01])
    #expect(CertificateAuthority.turned(kinds, by: 2) == kinds)
    #expect(CertificateAuthority.turned([.http01], by: 3) == [.http01])
    #expect(CertificateAuthority.turned([], by: 3) == [])
  }

  @Test func `a name is looked at again within six hours, however far its renewal is`() throws {
    let certificate = AutomaticCertificate("a.example", number: 1)
    #expect(certificate.pause(at: 1000) == 0)
    var random = SystemRandomNumberGenerator()
    certificate.take(
      try Certificate(
        selfSignedFor: SubjectNames(hosts: ["a.example"]), validity: 0...90 * 86_400),
      random: &random)
    #expect(certificate.pause(at: 0) == AutomaticCertificate.longestSleep)
    let renewal = try #require(certificate.renewal)
    #expect(certificate.pause(at: renewal - 10) == 10_000)
    #expect(certificate.pause(at: renewal) == 0)
    #expect(certificate.pause(at: renewal + 10) == 0)
  }
}
