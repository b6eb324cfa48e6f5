// What trusted proxies say of the client is kept and added to (docs/decisions/0007).
import Configuration
import HTTP
import IO
import Routing
import Testing

@testable import Proxy

@Suite struct TrustedProxyTests {
  private func head(
    _ fields: String, trusting: String? = "192.0.2.0/24", _ change: (inout RouteOptions) -> Void
  ) throws -> String? {
    try Rewriting("GET / HTTP/1.1\nHost: a\n\(fields)\n", trusting: trusting, change).head()
  }

  @Test func `the chain is continued and the client is found from right to left`() throws {
    let head = try head(
      "X-Forwarded-For: 9.9.9.9, 198.51.100.1\nX-Forwarded-For: 192.0.2.9\nX-Real-IP: 9.9.9.9\n"
    ) { $0.forwardedFields = true }
    #expect(
      head == """
        GET / HTTP/1.1
        Host: a
        X-Forwarded-For: 9.9.9.9, 198.51.100.1, 192.0.2.9, 192.0.2.7
        X-Real-IP: 198.51.100.1
        X-Forwarded-Proto: http
        X-Forwarded-Host: a


        """)
  }

  @Test func `what a trusted proxy says of scheme, host and identity is kept`() throws {
    let said = """
      X-Forwarded-Proto: https
      X-Forwarded-Host: outer
      X-Forwarded-Port: 443
      X-Request-ID: abc-1

      """
    let head = try head(said) {
      $0.forwardedFields = true
      $0.requestID = true
    }
    #expect(
      head == """
        GET / HTTP/1.1
        Host: a
        \(said)X-Forwarded-For: 192.0.2.7
        X-Real-IP: 192.0.2.7


        """)
  }

  @Test(arguments: [
    "X-Request-ID: a b\n", "X-Request-ID:\n", "X-Request-ID: 1\nX-Request-ID: 2\n",
    "X-Request-ID: \(String(repeating: "x", count: 129))\n", "X-Request-ID: a\"b\n",
  ])
  func `an identifier that is not sane is replaced`(_ fields: String) throws {
    let zeros = String(repeating: "0", count: 32)
    let head = try head(fields) { $0.requestID = true }
    #expect(head == "GET / HTTP/1.1\nHost: a\nX-Request-ID: \(zeros)\n\n")
  }

  @Test func `Forwarded is continued`() throws {
    let head = try head("Forwarded: for=\"[2001:db8::1]\"\n") { $0.forwarded = true }
    #expect(
      head == """
        GET / HTTP/1.1
        Host: a
        Forwarded: for="[2001:db8::1]", for=192.0.2.7;host="a";proto=http


        """)
  }

  @Test func `from a peer that is not trusted nothing is believed`() throws {
    let head = try head(
      "X-Forwarded-For: 9.9.9.9\nX-Forwarded-Proto: https\nX-Request-ID: mine\n",
      trusting: "10.0.0.0/8"
    ) {
      $0.forwardedFields = true
      $0.requestID = true
    }
    #expect(head?.contains("9.9.9.9") == false)
    #expect(head?.contains("https") == false)
    #expect(head?.contains("mine") == false)
  }

  @Test func `the client's address is the one that was found`() throws {
    let head = try head("X-Forwarded-For: 198.51.100.1\n") {
      $0.requestFields.set = [
        .init(name: "A", value: template("$remote_addr $realip_remote_addr"))
      ]
    }
    #expect(head?.contains("\nA: 198.51.100.1 192.0.2.7\n") == true)
  }
}
