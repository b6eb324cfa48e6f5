// Certificates from files: which belong together, what is wrong with them, and reading them again.
import TestSupport
import Testing

@testable import TLS

@Suite struct CertificateReaderTests {
  /// The names of the certificates of a folder, and the errors there.
  func read(_ folder: String) -> (names: [String], errors: [String]) {
    var reader = CertificateReader()
    let reading = reader.read(folder: folder, now: now)
    return (
      reading.certificates.map { $0.names.texts.joined(separator: " ") },
      reading.errors.map(\.description)
    )
  }

  @Test func `one file, two files and certbot's folders are understood`() throws {
    try withTemporaryFolder { folder in
      let all = try ["one.test", "two.test", "three.test", "four.test"].map { try certificate($0) }
      write(all[0].text, to: folder + "/a.pem")
      write(all[1].certificateText, to: folder + "/b.crt")
      write(all[1].keyText, to: folder + "/b.key")
      write(all[2].certificateText, to: folder + "/c.cer")
      write(all[2].keyText, to: folder + "/c.key")
      makeFolder(folder + "/four.test")
      write(all[3].certificateText, to: folder + "/four.test/fullchain.pem")
      write(all[3].certificateText, to: folder + "/four.test/cert.pem")
      write(all[3].certificateText, to: folder + "/four.test/chain.pem")
      write(all[3].keyText, to: folder + "/four.test/privkey.pem")
      write("This directory contains your keys.", to: folder + "/README")
      write("broken", to: folder + "/.hidden.pem")
      write(
        "-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n",
        to: folder + "/dh.pem")
      let (names, errors) = read(folder)
      #expect(names == ["one.test", "two.test", "three.test", "four.test"])
      #expect(errors == [])
    }
  }

  @Test func `each mistake names its file and shows nothing of the key`() throws {
    try withTemporaryFolder { folder in
      let (one, other) = (try certificate("one.test"), try certificate("other.test"))
      write(one.certificateText, to: folder + "/alone.pem")
      write(one.certificateText, to: folder + "/mismatch.crt")
      write(other.keyText, to: folder + "/mismatch.key")
      write(one.certificateText, to: folder + "/locked.crt")
      write(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAYCAQUCAQI=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        to: folder + "/locked.key")
      write(one.certificateText, to: folder + "/old.crt")
      write(
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
          + "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nMAYCAQUCAQI=\n"
          + "-----END EC PRIVATE KEY-----\n", to: folder + "/old.key")
      write(one.certificateText, to: folder + "/torn.crt")
      write(String(one.keyText.dropLast(40)), to: folder + "/torn.key")
      write(one.keyText, to: folder + "/keyonly.pem")
      let errors = read(folder).errors
      #expect(errors.count == 6)
      for (file, words) in [
        ("alone.pem", "has no private key"), ("mismatch.key", "is not the one of"),
        ("locked.key", "passphrase"), ("old.key", "passphrase"), ("torn.key", "not a valid PEM"),
        ("keyonly.pem", "holds no certificate"),
      ] {
        #expect(
          errors.contains { $0.hasPrefix("\(folder)/\(file) ") && $0.contains(words) }, "\(errors)")
      }
      let secret = one.keyText.split(separator: "\n")[1].prefix(20)
      #expect(errors.allSatisfy { !$0.contains(secret) })
    }
  }

  @Test func `a missing file and a folder that is none are errors`() throws {
    try withTemporaryFolder { folder in
      var reader = CertificateReader()
      let missing = reader.read(CertificateFiles(certificate: folder + "/x.pem"), now: now)
      #expect(
        missing.errors.map(\.description)
          == ["\(folder)/x.pem cannot be read: No such file or directory"])
      write("x", to: folder + "/file")
      #expect(
        reader.read(folder: folder + "/file", now: now).errors.map(\.problem) == [.notAFolder])
      #expect(reader.read(folder: folder + "/none", now: now).errors.count == 1)
    }
  }

  @Test func `a file of the limit is read, one byte more is refused`() throws {
    try withTemporaryFolder { folder in
      let text = try certificate("one.test").text
      let blanks = String(repeating: "\n", count: CertificateFiles.mostBytes - text.utf8.count)
      write(text + blanks, to: folder + "/a.pem")
      #expect(read(folder).errors == [])
      write(text + blanks + "\n", to: folder + "/a.pem")
      #expect(read(folder).errors == ["\(folder)/a.pem is larger than 256 KiB"])
    }
  }

  @Test func `what has not changed is not parsed again, and what is bad leaves the old one`() throws
  {
    try withTemporaryFolder { folder in
      let path = folder + "/a.pem"
      let files = CertificateFiles(certificate: path)
      var reader = CertificateReader()
      write(try certificate("one.test").text, to: path)
      let first = reader.read(files, now: now)
      #expect(reader.read(files, now: now).certificates.first === first.certificates.first)
      #expect(reader.parsed == 1)
      write("-----BEGIN CERTIFICATE-----\nbroken", to: path)
      let bad = reader.read(files, now: now)
      #expect(bad.certificates.first === first.certificates.first)
      #expect(bad.errors.count == 1)
      write(try certificate("two.test").text, to: path)
      let new = reader.read(files, now: now)
      #expect(new.certificates.first?.names.hosts == ["two.test"])
      #expect(new.errors == [])
      removeFile(path)
      #expect(reader.read(files, now: now).certificates.first === new.certificates.first)
      #expect(reader.read(folder: folder, now: now).certificates.isEmpty)
    }
  }

  @Test func `a folder that is empty or gone leaves what was in it`() throws {
    try withTemporaryFolder { folder in
      let inner = folder + "/certs"
      makeFolder(inner)
      var reader = CertificateReader()
      #expect(reader.read(folder: inner, now: now).errors.map(\.problem) == [.emptyFolder])
      write(try certificate("one.test").text, to: inner + "/a.pem")
      write(try certificate("two.test").text, to: inner + "/b.pem")
      let first = reader.read(folder: inner, now: now)
      #expect(first.certificates.count == 2)
      removeFile(inner + "/a.pem")
      #expect(reader.read(folder: inner, now: now).certificates.count == 1)
      for _ in 0..<2 {
        removeFile(inner + "/b.pem")
        reader.begin()
        let empty = reader.read(folder: inner, now: now)
        reader.finish()
        #expect(empty.errors.map(\.problem) == [.emptyFolder])
        #expect(empty.certificates.first?.names.hosts == ["two.test"])
      }
      removeFolder(inner)
      let gone = reader.read(folder: inner, now: now)
      #expect(gone.errors.count == 1)
      #expect(gone.certificates.first?.names.hosts == ["two.test"])
    }
  }

  @Test func `an authority's certificate without a key is none of ours`() throws {
    try withTemporaryFolder { folder in
      write(authority, to: folder + "/ca.pem")
      let (names, errors) = read(folder)
      #expect(names == [])
      #expect(errors == ["\(folder) holds no certificate"])
    }
  }
}
