// Which certificate a name gets.
import Testing

@testable import TLS

@Suite struct CertificateIndexTests {
  @Test func `an exact name comes before a wildcard, of which each stands for one label`() throws {
    let wildcard = try certificate("*.a.test")
    let exact = try certificate("www.a.test")
    let index = CertificateIndex([wildcard, exact], now: now)
    #expect(index.find("www.a.test") === exact)
    #expect(index.find("WWW.A.TEST") === exact)
    #expect(index.find("mail.a.test") === wildcard)
    #expect(index.find("mail.a.test.") === wildcard)
    for name in ["a.test", "x.mail.a.test", "b.test", ""] { #expect(index.find(name) == nil) }
  }

  @Test func `ECDSA is for clients that can, RSA for the others`() throws {
    let rsa = try certificate("a.test", kind: .rsa)
    let ecdsa = try certificate("a.test")
    let index = CertificateIndex([rsa, ecdsa], now: now)
    #expect(index.find("a.test", ecdsa: true) === ecdsa)
    #expect(index.find("a.test", ecdsa: false) === rsa)
    #expect(index.standard(ecdsa: true) === ecdsa)
    #expect(index.standard(ecdsa: false) === rsa)
  }

  @Test func `what there is serves all clients when there is one kind only`() throws {
    let ecdsa = try certificate("a.test")
    let edwards = try certificate("b.test", kind: .ed25519)
    let index = CertificateIndex([ecdsa, edwards], now: now)
    #expect(index.find("a.test", ecdsa: false) === ecdsa)
    #expect(index.find("b.test", ecdsa: true) === edwards)
  }

  @Test func `among equals the one that is valid longest is taken, if it is valid yet`() throws {
    let expired = try certificate("a.test", from: now - 9, until: now - 1)
    let short = try certificate("a.test", until: now + 5)
    let long = try certificate("a.test", until: now + 50)
    let future = try certificate("a.test", from: now + 10, until: now + 500)
    let all = [future, expired, long, short]
    #expect(CertificateIndex(all, now: now).find("a.test") === long)
    #expect(CertificateIndex(all, now: now + 20).find("a.test") === future)
    #expect(CertificateIndex([expired], now: now).find("a.test") === expired)
  }

  @Test func `the first one is for clients without a name; without any there is none`() throws {
    let (first, second) = (try certificate("a.test"), try certificate("b.test"))
    #expect(CertificateIndex([first, second], now: now).standard(ecdsa: true) === first)
    #expect(CertificateIndex([], now: now).standard(ecdsa: true) == nil)
    #expect(CertificateIndex([], now: now).find("a.test") == nil)
  }

  @Test func `names that no client can send take no place`() throws {
    let odd = try certificate("f*.a.test", "*", "a..test", "a.test")
    #expect(CertificateIndex([odd], now: now).nameCount == 1)
  }

  @Test func `a store shows a new table at once`() throws {
    let store = CertificateStore()
    #expect(store.standard(ecdsa: true) == nil)
    let one = try certificate("a.test")
    store.replace(with: CertificateIndex([one], now: now))
    #expect(store.standard(ecdsa: true) === one)
  }
}
