// What a server is told about the client (behaviour 22; RFC 7239; RFC 9110 7.6.3).
import Bytes
import Configuration
import HTTP
import IO
import Testing

@testable import Proxy

@Suite struct ForwardingFieldTests {
  private let request = "GET / HTTP/1.1\nHost: a.example\n\n"

  @Test func `forwarding fields from outside are replaced`() throws {
    let head = try Rewriting(
      """
      GET / HTTP/1.1
      X-Forwarded-For: 1.1.1.1
      Host: a
      x-forwarded-proto: https
      X-Forwarded-Host: evil
      X-Forwarded-Port: 443
      X-REAL-IP: 1.1.1.1
      Forwarded: for=1.1.1.1
      X-Forwarded-For: 2.2.2.2
      X-Request-ID: chosen
      B: c


      """
    ) {
      $0.forwardedFields = true
      $0.requestID = true
    }.head()
    #expect(
      head == """
        GET / HTTP/1.1
        Host: a
        B: c
        X-Forwarded-For: 192.0.2.7
        X-Real-IP: 192.0.2.7
        X-Forwarded-Proto: http
        X-Forwarded-Host: a
        X-Request-ID: 00000000000000000000000000000000


        """)
  }

  @Test func `forwarding fields from outside are dropped also when none are set`() throws {
    let head = try Rewriting(
      "GET / HTTP/1.1\nHost: a\nX-Forwarded-For: 1\nX-Real-IP: 1\nForwarded: a\nX-Request-ID: 5\n\n"
    ).head()
    #expect(head == "GET / HTTP/1.1\nHost: a\nX-Request-ID: 5\n\n")
  }

  @Test func `the identifier of the request is sent`() throws {
    let rewriting = try Rewriting(request) { $0.requestID = true }
    let identifier = rewriting.connection.worker.identifiers.next()
    rewriting.connection.identifier = identifier
    var digits = rewriting.connection.worker.buffers.borrow(.small)
    identifier.append(to: &digits)
    let expected = "\(request.dropLast())X-Request-ID: \(text(of: digits))\n\n"
    #expect(try rewriting.head() == expected)
  }

  @Test(arguments: [
    (localPeer, "192.0.2.7", "192.0.2.7"),
    (
      .v6(high: 0x2001_0db8_0000_0000, low: 1, scope: 0, port: 9), "2001:db8::1",
      "\"[2001:db8::1]\""
    ),
  ])
  func `the client's address is written as each field wants it`(
    _ peer: SocketAddress, _ plain: String, _ node: String
  ) throws {
    let head = try Rewriting(request, from: peer) {
      $0.forwardedFields = true
      $0.forwarded = true
    }.head()
    #expect(
      head == """
        GET / HTTP/1.1
        Host: a.example
        X-Forwarded-For: \(plain)
        X-Real-IP: \(plain)
        X-Forwarded-Proto: http
        X-Forwarded-Host: a.example
        Forwarded: for=\(node);host="a.example";proto=http


        """)
  }

  @Test func `a client on a Unix socket is unknown in Forwarded`() throws {
    let head = try Rewriting(request, from: .unix("")) { $0.forwarded = true }.head()
    #expect(
      head == "\(request.dropLast())Forwarded: for=unknown;host=\"a.example\";proto=http\n\n")
  }

  @Test func `no host is told where none was sent`() throws {
    let head = try Rewriting("GET / HTTP/1.0\n\n") {
      $0.forwardedFields = true
      $0.forwarded = true
    }.head()
    #expect(
      head == """
        GET / HTTP/1.1
        Host: 127.0.0.1:8888
        X-Forwarded-For: 192.0.2.7
        X-Real-IP: 192.0.2.7
        X-Forwarded-Proto: http
        Forwarded: for=192.0.2.7;proto=http


        """)
  }

  @Test func `the host that is told is the client's also when Host is replaced`() throws {
    let head = try Rewriting(request) {
      $0.forwardedFields = true
      $0.host = .fixed("inner")
    }.head()
    #expect(head?.contains("\nHost: inner\n") == true)
    #expect(head?.contains("\nX-Forwarded-Host: a.example\n") == true)
  }

  @Test func `Via tells the version that came and stays behind the others`() throws {
    let new = try Rewriting("GET / HTTP/1.1\nVia: 1.0 other\nHost: a\n\n") { $0.via = "rsp" }
    #expect(try new.head() == "GET / HTTP/1.1\nVia: 1.0 other\nHost: a\nVia: 1.1 rsp\n\n")
    let old = try Rewriting("GET / HTTP/1.0\nHost: a\n\n") { $0.via = "rsp" }
    #expect(try old.head() == "GET / HTTP/1.1\nHost: a\nVia: 1.0 rsp\n\n")
  }
}
