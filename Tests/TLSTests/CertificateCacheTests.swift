// Which certificates keep objects of OpenSSL, and which go back to their DER.
import Testing

@testable import TLS

@Suite struct CertificateCacheTests {
  /// A session that nobody uses, to install certificates on.
  func use(_ certificate: Certificate) throws {
    let context = try TLSContext(TLSContext.ServerOptions())
    try TLSSession(accepting: context).use(certificate)
  }

  @Test func `a certificate has objects from its first use on`() throws {
    let one = try certificate("a.test", cache: CertificateCache(limit: 1))
    #expect(!one.isLoaded)
    try use(one)
    #expect(one.isLoaded)
  }

  @Test func `as many as the limit are kept, one more takes another's place`() throws {
    let cache = CertificateCache(limit: 2)
    let all = try ["a.test", "b.test", "c.test"].map { try certificate($0, cache: cache) }
    try use(all[0])
    try use(all[1])
    #expect(all.map(\.isLoaded) == [true, true, false])
    try use(all[2])
    #expect(all.map(\.isLoaded) == [false, true, true])
    try use(all[0])
    #expect(all.map(\.isLoaded) == [true, false, true])
  }

  @Test func `one that was used again has a second chance`() throws {
    let cache = CertificateCache(limit: 2)
    let all = try ["a.test", "b.test", "c.test"].map { try certificate($0, cache: cache) }
    try use(all[0])
    try use(all[1])
    try use(all[0])
    try use(all[2])
    #expect(all.map(\.isLoaded) == [true, false, true])
  }

  @Test func `a certificate that is gone leaves its place`() throws {
    let cache = CertificateCache(limit: 1)
    try use(try certificate("a.test", cache: cache))
    let next = try certificate("b.test", cache: cache)
    try use(next)
    #expect(next.isLoaded)
  }
}
