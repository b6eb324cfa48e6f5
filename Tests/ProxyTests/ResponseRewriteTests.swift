// The head that a client gets.
import Configuration
import HTTP
import IO
import Testing

@testable import Proxy

@Suite struct ResponseRewriteTests {
  private let dated = "Date: Sun, 06 Nov 1994 08:49:37 GMT"

  private func rewriting(_ version: String = "1.1", via: String? = nil) throws -> Rewriting {
    try Rewriting("GET / HTTP/\(version)\nHost: a\n\n") { $0.via = via }
  }

  @Test func `order, case, blanks and reason of what stays are kept`() throws {
    let response = "HTTP/1.1 200 Very well\nSERVER:x \n\(dated)\nSet-Cookie: a\nset-cookie:  b\n\n"
    #expect(try rewriting().response(response) == response)
  }

  @Test(arguments: [
    "Connection: close", "Connection: keep-alive", "Keep-Alive: timeout=5", "Proxy-Connection: x",
    "Upgrade: h2", "Transfer-Encoding: chunked", "TE: x", "Connection: B\nB: gone",
  ])
  func `a field of the server's connection is not sent on`(_ field: String) throws {
    for fields in [[field, dated, "C: d"], [dated, field, "C: d"], [dated, "C: d", field]] {
      let head = try rewriting().response(
        "HTTP/1.1 200 OK\n\(fields.joined(separator: "\n"))\n\n")
      #expect(head == "HTTP/1.1 200 OK\n\(dated)\nC: d\n\n")
    }
  }

  @Test func `Connection cannot strip the fields a client decides by`() throws {
    let head = try rewriting().response(
      "HTTP/1.1 200 OK\n\(dated)\nConnection: Set-Cookie, Cache-Control, Content-Length, Date\n"
        + "Set-Cookie: a\nCache-Control: private\nContent-Length: 3\n\n")
    #expect(
      head == "HTTP/1.1 200 OK\n\(dated)\nSet-Cookie: a\nCache-Control: private\n"
        + "Content-Length: 3\n\n")
  }

  @Test func `a Date is added where there is none`() throws {
    let head = try #require(try rewriting().response("HTTP/1.1 204 No Content\nA: b\n\n"))
    let lines = head.split(separator: "\n", omittingEmptySubsequences: false)
    try #require(lines.count == 5)
    #expect(lines[0] == "HTTP/1.1 204 No Content" && lines[1] == "A: b")
    #expect(lines[2].hasPrefix("Date: ") && lines[2].hasSuffix(" GMT"))
    #expect(lines[2].utf8.count == 35)
  }

  @Test func `framing and persistence are told anew`() throws {
    let response = "HTTP/1.0 200 OK\n\(dated)\n\n"
    let start = "HTTP/1.1 200 OK\n\(dated)\n"
    #expect(try rewriting().response(response) == start + "\n")
    #expect(
      try rewriting().response(response, chunked: true) == start + "Transfer-Encoding: chunked\n\n")
    #expect(
      try rewriting().response(response, persists: false) == start + "Connection: close\n\n")
    #expect(try rewriting("1.0").response(response) == start + "Connection: keep-alive\n\n")
    #expect(
      try rewriting("1.0").response(response, persists: false) == start + "Connection: close\n\n")
  }

  @Test func `Via tells the server's version`() throws {
    for version in ["1.0", "1.1"] {
      let head = try rewriting(via: "rsp").response("HTTP/\(version) 200 OK\n\(dated)\n\n")
      #expect(head == "HTTP/1.1 200 OK\n\(dated)\nVia: \(version) rsp\n\n")
    }
  }

  @Test func `an interim response is sent on without additions`() throws {
    let head = try rewriting(via: "rsp").interim(
      "HTTP/1.1 103 Early Hints\nLink: </a>\nConnection: x\nX: y\n\n")
    #expect(head == "HTTP/1.1 103 Early Hints\nLink: </a>\n\n")
  }

  @Test func `a switch of protocols is told anew`() throws {
    let rewriting = try Rewriting(
      "GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: websocket\n\n")
    let head = try rewriting.switching(
      "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nA: b\n\n")
    #expect(
      head == "HTTP/1.1 101 Switching Protocols\nA: b\nUpgrade: websocket\nConnection: Upgrade\n\n")
  }

  @Test func `a head of any size either fits in whole or is given up`() throws {
    let limits = HeadLimits(head: 65536, line: 65536, fields: 10)
    let rewriting = try rewriting(via: "rsp")
    var fitted = 0
    var refused = 0
    for length in 65300...65510 {
      let value = String(repeating: "x", count: length)
      let head = try rewriting.response(
        "HTTP/1.1 200 OK\nA: \(value)\n\n", chunked: true, persists: false, limits: limits)
      if let head {
        fitted += 1
        #expect(head.hasSuffix("Connection: close\n\n") && head.contains(value))
      } else {
        refused += 1
      }
    }
    #expect(fitted > 0 && refused > 0, "both sides of the limit were met")
  }
}
