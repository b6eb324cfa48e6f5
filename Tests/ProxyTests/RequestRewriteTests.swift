// The head that a server gets.
import Configuration
import HTTP
import IO
import Testing

@testable import Proxy

@Suite struct RequestRewriteTests {
  @Test func `order, case and blanks of what stays are kept`() throws {
    let rewriting = try Rewriting(
      "GET /a?b HTTP/1.1\nhOST:a.example\nX-One:   1 \nACCEPT: */*\nx-one: 2\nEmpty:\n\n")
    let head = try rewriting.head()
    #expect(
      head
        == "GET /a?b HTTP/1.1\nhOST:a.example\nX-One:   1 \nACCEPT: */*\nx-one: 2\nEmpty:\n\n")
  }

  @Test(arguments: [
    "Connection: keep-alive", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
    "TE: trailers", "HTTP2-Settings: AAM", "Proxy: http://evil", "Upgrade: h2c", "connection: x",
    "X_Forwarded_For: 1", "X.Real.IP: 1", "Connection: close",
  ])
  func `a field of the client's connection is not sent on`(_ field: String) throws {
    for place in 0...2 {
      var fields = ["Host: a", "B: c"]
      fields.insert(field, at: place)
      let head = try Rewriting("GET / HTTP/1.1\n\(fields.joined(separator: "\n"))\n\n").head()
      #expect(head == "GET / HTTP/1.1\nHost: a\nB: c\n\n", "at \(place)")
    }
  }

  @Test func `every field may be one that is not sent on`() throws {
    let head = try Rewriting("GET / HTTP/1.0\nKeep-Alive: 1\nTE: x\nConnection: y\n\n").head()
    #expect(head == "GET / HTTP/1.1\nHost: 127.0.0.1:8888\n\n")
    let bare = try Rewriting("GET / HTTP/1.0\n\n").head()
    #expect(bare == "GET / HTTP/1.1\nHost: 127.0.0.1:8888\n\n")
  }

  @Test func `fields that Connection names are not sent on`() throws {
    let head = try Rewriting(
      "GET / HTTP/1.1\nA: 1\nHost: a\nConnection: b, keep-alive, A\nB: 2\nC: 3\n\n"
    ).head()
    #expect(head == "GET / HTTP/1.1\nHost: a\nC: 3\n\n")
  }

  @Test func `Connection cannot strip what servers decide by`() throws {
    let head = try Rewriting(
      """
      POST / HTTP/1.1
      Host: a
      Connection: Host, Content-Length, Authorization, Cookie, X-Forwarded-For, X-Request-ID
      Content-Length: 2
      Authorization: b
      Cookie: c


      """
    ) {
      $0.forwardedFields = true
    }.head()
    #expect(
      head == """
        POST / HTTP/1.1
        Host: a
        Content-Length: 2
        Authorization: b
        Cookie: c
        X-Forwarded-For: 192.0.2.7
        X-Real-IP: 192.0.2.7
        X-Forwarded-Proto: http
        X-Forwarded-Host: a


        """)
  }

  @Test func `fields with unusual names are sent on where that is allowed`() throws {
    let request = "GET / HTTP/1.1\nHost: a\nA_b: 1\nc.d: 2\n\n"
    #expect(try Rewriting(request) { $0.underscoresInFields = true }.head() == request)
    #expect(try Rewriting(request).head() == "GET / HTTP/1.1\nHost: a\n\n")
  }

  @Test func `a chunked body is announced anew`() throws {
    let head = try Rewriting(
      "POST / HTTP/1.1\nTransfer-Encoding:  CHUNKED\nHost: a\nTrailer: B\n\n"
    ).head()
    #expect(head == "POST / HTTP/1.1\nHost: a\nTrailer: B\nTransfer-Encoding: chunked\n\n")
  }

  @Test func `an upgrade is asked for anew`() throws {
    let request =
      "GET /chat HTTP/1.1\nHost: a\nUpgrade: websocket\nConnection: keep-alive, Upgrade\nB: c\n\n"
    let expected = "GET /chat HTTP/1.1\nHost: a\nB: c\nUpgrade: websocket\nConnection: Upgrade\n\n"
    #expect(try Rewriting(request).head() == expected)
    #expect(try Rewriting(request).head(keepsServer: false) == expected)
  }

  @Test func `a server whose connections are not kept is told so`() throws {
    let head = try Rewriting("GET / HTTP/1.1\nHost: a\n\n").head(keepsServer: false)
    #expect(head == "GET / HTTP/1.1\nHost: a\nConnection: close\n\n")
  }

  // MARK: Host

  @Test func `the Host a server gets follows its policy`() throws {
    let request = "GET / HTTP/1.1\nA: b\nHost: client.example:81\nC: d\n\n"
    #expect(try Rewriting(request).head() == request)
    #expect(
      try Rewriting(request) { $0.host = .server }.head()
        == "GET / HTTP/1.1\nA: b\nC: d\nHost: 127.0.0.1:8888\n\n")
    #expect(
      try Rewriting(request) { $0.host = .fixed("inner") }.head()
        == "GET / HTTP/1.1\nA: b\nC: d\nHost: inner\n\n")
  }

  @Test(arguments: [
    (ServerAddress.ip(host: "::1", port: 8080), "[::1]:8080"),
    (.name(host: "app.internal", port: 80), "app.internal:80"),
    (.unix(path: "/run/app.sock"), "localhost"),
  ])
  func `a request of HTTP 1.0 without Host gets the server's name`(
    _ server: ServerAddress, _ name: String
  ) throws {
    let head = try Rewriting("GET / HTTP/1.0\nA: b\n\n", to: server).head()
    #expect(head == "GET / HTTP/1.1\nA: b\nHost: \(name)\n\n")
  }

  @Test func `the authority of an absolute target is the Host`() throws {
    let head = try Rewriting("GET http://a.example:81/b?c HTTP/1.1\nHost: a.example:81\nD: e\n\n")
      .head()
    #expect(head == "GET /b?c HTTP/1.1\nD: e\nHost: a.example:81\n\n")
    let old = try Rewriting("GET http://a.example/ HTTP/1.0\n\n").head()
    #expect(old == "GET / HTTP/1.1\nHost: a.example\n\n")
  }

  // MARK: Size

  @Test func `a head that outgrows a small block gets a large one`() throws {
    let long = String(repeating: "x", count: 8000)
    let request = "GET / HTTP/1.1\nHost: a\nA: \(long)\nB: \(long)\nC: \(long)\n\n"
    #expect(try Rewriting(request).head() == request)
  }

  @Test func `a head of any size that is accepted fits with all that is added to it`() throws {
    let limits = HeadLimits(head: 65536, line: 65536, fields: 100)
    for length in 64700...65200 where length % 23 == 0 || 64860...65100 ~= length {
      let value = String(repeating: "x", count: length)
      let rewriting = try Rewriting(
        "GET / HTTP/1.0\nA: \(value)\n\n", from: .v6(high: .max, low: .max, scope: 0, port: 1),
        limits: limits
      ) {
        $0.forwardedFields = true
        $0.forwarded = true
        $0.via = "p"
        $0.requestID = true
      }
      let head = try #require(try rewriting.head())
      #expect(head.hasSuffix("Via: 1.0 p\n\n") && head.contains(value))
    }
  }
}
