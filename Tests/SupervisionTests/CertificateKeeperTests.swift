// What becomes of certificates at a start, a reload, and a look at the files.
import Configuration
import IO
import TLS
import TestSupport
import Testing

@testable import Supervision

@Suite struct CertificateKeeperTests {
  static let now = 1_800_000_000
  static let day = 86_400

  func demand(_ lists: [CertificateSource]...) -> CertificateDemand {
    var demand = CertificateDemand()
    demand.lists = Set(lists)
    return demand
  }

  func made(_ host: String, until: Int = now + 90 * day) throws -> Certificate {
    let made = try Certificate(
      selfSignedFor: SubjectNames(hosts: [host]), validity: (Self.now - 1000 * Self.day)...until)
    let pem = try PEM(made.pem)
    return try Certificate(
      pem.certificates, key: try #require(pem.keys.first), source: "a.pem")
  }

  func file(_ host: String, _ path: String) throws {
    write(String(decoding: try made(host).pem, as: UTF8.self), to: path)
  }

  @Test func `a store shows what was adopted, and goes on when the file is bad`() throws {
    try withTemporaryFolder { folder in
      let sources = [CertificateSource.file(folder + "/a.pem")]
      let keeper = CertificateKeeper()
      try file("a.test", folder + "/a.pem")
      let first = CertificateDraft(demand(sources), now: Self.now)
      #expect(keeper.refusals(of: first) == [])
      let store = try #require(keeper.store(for: sources))
      keeper.adopt(first, for: demand(sources))
      let shown = try #require(store.standard(ecdsa: true))

      write("nothing", to: folder + "/a.pem")
      let second = CertificateDraft(demand(sources), reader: first.reader, now: Self.now)
      #expect(second.errors.count == 1)
      #expect(keeper.refusals(of: second) == [])
      keeper.adopt(second, for: demand(sources))
      #expect(store.standard(ecdsa: true) === shown)

      try file("b.test", folder + "/a.pem")
      let third = CertificateDraft(demand(sources), reader: second.reader, now: Self.now)
      keeper.adopt(third, for: demand(sources))
      #expect(store.standard(ecdsa: true)?.names.hosts == ["b.test"])
      #expect(keeper.problems == [])
    }
  }

  @Test func `what is new and bad refuses a configuration, what was bad before does not`() throws {
    try withTemporaryFolder { folder in
      try file("a.test", folder + "/a.pem")
      write("nothing", to: folder + "/b.pem")
      let (good, bad) = (
        CertificateSource.file(folder + "/a.pem"), CertificateSource.file(folder + "/b.pem")
      )
      let keeper = CertificateKeeper()
      let draft = CertificateDraft(demand([good], [good, bad]), now: Self.now)
      #expect(
        keeper.refusals(of: draft) == [
          "\(folder)/b.pem holds no certificate"
            + " (\"-----BEGIN CERTIFICATE-----\")"
        ])
      #expect(
        CertificateDraft(demand([.folder(folder + "/none")]), now: Self.now).errors.count == 1)
      makeFolder(folder + "/empty")
      let empty = CertificateDraft(demand([.folder(folder + "/empty")]), now: Self.now)
      #expect(empty.errors.map(\.error.problem) == [.emptyFolder])
    }
  }

  @Test func `stores of sources that nobody asks for any more go`() throws {
    try withTemporaryFolder { folder in
      try file("a.test", folder + "/a.pem")
      let sources = [CertificateSource.folder(folder)]
      let keeper = CertificateKeeper()
      keeper.adopt(CertificateDraft(demand(sources), now: Self.now), for: demand(sources))
      #expect(!keeper.isUnused)
      keeper.adopt(CertificateDraft(), for: CertificateDemand())
      #expect(keeper.isUnused)
      #expect(keeper.certificates.isEmpty)
    }
  }

  @Test func `what an authority has sent is shown for automatic certificates`() throws {
    let sent = try made("a.test")
    let draft = CertificateDraft(demand([.automatic]), automatic: [sent], now: Self.now)
    #expect(draft.indexes[[.automatic]]?.certificates.first === sent)
  }

  @Test func `two thousand certificates are parsed once, and have no objects until they are used`()
    throws
  {
    try withTemporaryFolder { folder in
      // The same key and names for all: what counts here is how many there are.
      let text = String(decoding: try made("*.a.test").pem, as: UTF8.self)
      for number in 0..<2000 { write(text, to: folder + "/\(number).pem") }
      let sources = [CertificateSource.folder(folder)]
      let first = CertificateDraft(demand(sources), now: Self.now)
      #expect(first.indexes[sources]?.certificates.count == 2000)
      #expect(first.reader.parsed == 2000)
      #expect(first.indexes[sources]?.certificates.contains { $0.isLoaded } == false)
      let again = CertificateDraft(demand(sources), reader: first.reader, now: Self.now)
      #expect(again.reader.parsed == 2000)
    }
  }

  @Test func `the end of a certificate is told 14 days before, and when it has come`() throws {
    let end = Self.now + 100 * Self.day
    let one = try made("a.test", until: end)
    func told(_ now: Int) -> [String] { Expiry.lines([one], now: now).map(\.text) }
    #expect(told(end - 14 * Self.day - 1) == [])
    #expect(told(end - 14 * Self.day) == ["certificate: a.pem (a.test) expires in 14 days"])
    #expect(told(end - Self.day) == ["certificate: a.pem (a.test) expires in 1 day"])
    #expect(told(end + 1) == ["certificate: a.pem (a.test) has expired"])
    #expect(Expiry.lines([one], now: end + 1).first?.isError == true)
  }

  @Test func `at most twenty ends are told one by one`() throws {
    let one = try made("a.test", until: Self.now)
    #expect(Expiry.lines(Array(repeating: one, count: 20), now: Self.now).count == 20)
    let lines = Expiry.lines(Array(repeating: one, count: 21), now: Self.now)
    #expect(lines.count == 21)
    #expect(lines.last?.text == "certificate: 1 more expire soon or have")
  }

  @Test func `ticket keys change when the newest is twelve hours old`() throws {
    let keeper = CertificateKeeper()
    let keys = try keeper.makeTicketKeys()
    let before = keys.exported()
    keeper.rotateTickets(keeper.ticketsRotated + TicketKeys.period - 1)
    #expect(keys.exported() == before)
    keeper.rotateTickets(keeper.ticketsRotated + TicketKeys.period)
    #expect(keys.exported().count == 2 * TicketKeys.keyBytes)
    let next = CertificateKeeper()
    let inherited = try next.makeTicketKeys(
      inheriting: keys.exported(), from: Process.unixSeconds - 100)
    #expect(inherited.exported() == keys.exported())
    #expect(next.ticketsRotated <= Process.unixSeconds - 100)
  }

  @Test(arguments: ["", "00", "0aff10"])
  func `hexadecimal digits are read as they are written`(text: String) {
    #expect(Hexadecimal.text(Hexadecimal.bytes(text)) == text)
    #expect(Hexadecimal.bytes("0") == [])
    #expect(Hexadecimal.bytes("zz") == [])
    #expect(Hexadecimal.bytes("+1") == [])
  }
}
