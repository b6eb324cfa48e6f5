// Which requests and which handshakes are an authority's.
import HTTP
import Preamble
import Routing
import TLS
import Routing
import Testing

@testable import Proxy

struct ChallengeTableTests {
  private static let prefix = "/.well-known/acme-challenge/"

  private func file(_ path: String, in table: ChallengeTable) -> String? {
    let bytes = Array(path.utf8)
    return bytes.withBytes { table.file(at: $0) }
  }

  @Test func `a file is found by its token and nothing else`() {
    let longest = String(repeating: "t", count: 256)
    var table = ChallengeTable()
    #expect(table.isEmpty)
    table.files = ["token": "token.print", longest: "a", longest + "t": "b"]
    #expect(!table.isEmpty)
    #expect(file(Self.prefix + "token", in: table) == "token.print")
    #expect(file(Self.prefix + longest, in: table) == "a")
    #expect(file(Self.prefix + longest + "t", in: table) == nil)
    for path in [Self.prefix, Self.prefix + "other", "/token", "/", Self.prefix + "token/"] {
      #expect(file(path, in: table) == nil, "\(path)")
    }
  }

  @Test(arguments: [
    (["acme-tls/1"], "A.example", true), (["acme-tls/1"], "b.example", false),
    (["acme-tls/1", "h2"], "a.example", false), (["http/1.1"], "a.example", false),
    ([], "a.example", false),
  ])
  func `a handshake is an authority's when it offers acme-tls/1 alone for a name under order`(
    protocols: [String], name: String, isShown: Bool
  ) throws {
    var table = ChallengeTable()
    table.certificates["a.example"] = try Certificate(
      selfSignedFor: SubjectNames(hosts: ["a.example"]), validity: 0...1)
    var hello = ClientHello()
    hello.serverName = name
    hello.protocols = protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
    #expect((table.certificate(for: hello) != nil) == isShown)
    hello.serverName = nil
    #expect(table.certificate(for: hello) == nil)
  }
}
