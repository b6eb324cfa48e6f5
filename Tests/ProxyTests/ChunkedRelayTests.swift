// Chunked bodies: understood, and framed anew (RFC 9112 7.1; behaviour 4 and 11).
import Bytes
import HTTP
import IO
import Testing

@testable import Proxy

@Suite struct ChunkedRelayTests {
  /// Three chunks, extensions, leading zeros, digits of both cases, trailers of both kinds.
  private let sample =
    "4;name=\"va;lue\"\r\nWiki\r\n005\r\npedia\r\nB;x\r\n in chunks.\r\n"
    + "a\r\n0123456789\r\n0;last\r\nChecksum: a b\r\nContent-Length: 3\r\nX-Kept:  1 \r\n\r\n"
  private let body = "Wikipedia in chunks.0123456789"
  private let trailers = ["Checksum: a b", "X-Kept: 1"]

  @Test func `chunks are framed anew and leave as one`() {
    let end = relayed(.chunked, chunkedOutput: true, [.text("1;a\r\nx\r\n2\r\nyz\r\n0\r\n\r\n")])
    #expect(end.text == "3\r\nxyz\r\n0\r\n\r\n")
  }

  @Test func `a chunked body is passed on whole wherever it is cut in two`() {
    let input = Array(sample.utf8)
    for cut in 1..<input.count {
      let cuts: [MemoryStream.Arrival] = [
        .bytes(Array(input[..<cut])), .blocked, .bytes(Array(input[cut...])),
      ]
      let end = relayed(.chunked, chunkedOutput: true, cuts)
      let decoded = DecodedBody(end.output)
      #expect(decoded == .init(data: Array(body.utf8), trailers: trailers), "cut at \(cut)")
      let raw = relayed(.chunked, chunkedOutput: false, cuts)
      #expect(raw.text == body, "cut at \(cut)")
    }
  }

  @Test func `a chunked body is passed on whole wherever it is cut in three`() {
    let input = Array("3;e\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n".utf8)
    for first in 1..<input.count - 1 {
      for second in first + 1..<input.count {
        let cuts: [MemoryStream.Arrival] = [
          .bytes(Array(input[..<first])), .bytes(Array(input[first..<second])), .blocked,
          .bytes(Array(input[second...])),
        ]
        let end = relayed(.chunked, chunkedOutput: true, cuts)
        let decoded = DecodedBody(end.output)
        #expect(
          decoded == .init(data: Array("abcde".utf8), trailers: ["A: b"]), "\(first), \(second)")
      }
    }
  }

  @Test(arguments: [true, false])
  func `a chunked body that drips in byte by byte is passed on`(_ pauses: Bool) {
    var arrivals: [MemoryStream.Arrival] = []
    for byte in sample.utf8 {
      arrivals.append(.bytes([byte]))
      if pauses { arrivals.append(.blocked) }
    }
    let end = relayed(.chunked, chunkedOutput: true, arrivals)
    let decoded = DecodedBody(end.output)
    #expect(decoded == .init(data: Array(body.utf8), trailers: trailers))
    #expect(!end.text.contains("name") && !end.text.contains("last"), "no extension gets through")
    #expect(relayed(.chunked, chunkedOutput: false, arrivals).text == body)
  }

  @Test func `an empty chunked body is passed on`() {
    #expect(relayed(.chunked, chunkedOutput: true, [.text("0\r\n\r\n")]).text == "0\r\n\r\n")
    #expect(relayed(.chunked, chunkedOutput: false, [.text("000\r\n\r\n")]).text == "")
  }

  @Test func `trailers are dropped where there are no chunks`() {
    let end = relayed(.chunked, chunkedOutput: false, [.text("1\r\nx\r\n0\r\nA: b\r\n\r\n")])
    #expect(end.text == "x")
  }

  @Test(arguments: [
    "Content-Length: 5", "Transfer-Encoding: chunked", "Host: evil", "Authorization: Basic eA==",
    "Cookie: a=b", "Set-Cookie: a=b", "X-Forwarded-For: 1.2.3.4", "X-Real-IP: 1.2.3.4",
    "Forwarded: for=x", "Content-Type: text/html", "Content-Encoding: gzip", "Connection: close",
    "Trailer: A", "Cache-Control: no-store", "Proxy: x", "Upgrade: y", "x_real_ip: 1.2.3.4",
    "a.b: c", "Content-length: 5", "EXPECT: 100-continue",
  ])
  func `a trailer that frames, routes, authorises or describes is dropped`(_ trailer: String) {
    let input = "1\r\nx\r\n0\r\nA: b\r\n\(trailer)\r\nC: d\r\n\r\n"
    let end = relayed(.chunked, chunkedOutput: true, [.text(input)])
    #expect(end.text == "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n")
  }

  @Test func `trailers as large as may be are passed on and larger ones refused`() {
    // 8 KiB with the empty line.
    let most = "A: " + String(repeating: "x", count: 8192 - 7)
    for (field, fits) in [(most, true), (most + "x", false)] {
      for data in ["", "1\r\nx\r\n", "ffe0\r\n" + String(repeating: "y", count: 0xffe0) + "\r\n"] {
        let input = Array((data + "0\r\n" + field + "\r\n\r\n").utf8)
        for cut in [1, input.count - 8190, input.count - 3, input.count - 1] {
          let arrivals: [MemoryStream.Arrival] = [
            .bytes(Array(input[..<cut])), .blocked, .bytes(Array(input[cut...])),
          ]
          let end = relayed(.chunked, chunkedOutput: true, arrivals)
          #expect(end.error == (fits ? nil : .sourceMalformed))
          let decoded = DecodedBody(end.output)
          #expect(decoded?.trailers == (fits ? [field] : nil))
        }
      }
    }
  }

  @Test(arguments: [
    "g\r\n", "\r\n", " 5\r\n", "5 \r\n", "+5\r\n", "-5\r\n", "0x5\r\n", "5\n", "5\r5",
    "5;\u{1}\r\n", "5;a\n", "10000000000000000\r\n", "8000000000000000\r\n", "1\r\nxy\r\n",
    "1\r\nx\n", "1\r\nx\r0", "0\r\nA b\r\n\r\n", "0\r\nA : b\r\n\r\n", "0\r\n: b\r\n\r\n",
    "0\r\nA: b\n\r\n", "0\r\n\n", "0\r\nA: b\r\n c\r\n\r\n", "0\r\nA: \u{0}\r\n\r\n",
  ])
  func `malformed framing ends the relay without a last chunk`(_ tail: String) {
    for start in ["", "2\r\nok\r\n"] {
      let input = Array((start + tail).utf8)
      for cut in 1...input.count {
        let rest = Array(input[cut...])
        let arrivals: [MemoryStream.Arrival] =
          [.bytes(Array(input[..<cut])), .blocked] + (rest.isEmpty ? [] : [.bytes(rest)]) + [.end]
        let end = relayed(.chunked, chunkedOutput: true, arrivals)
        #expect(end.error == .sourceMalformed, "cut at \(cut)")
        #expect(DecodedBody(end.output) == nil)
      }
    }
  }

  @Test func `what follows the last chunk becomes surplus wherever it is cut`() {
    let input = Array("2\r\nok\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n".utf8)
    let bodyEnd = input.count - 16
    for cut in 1...bodyEnd {
      let worker = quietWorker()
      var relay = BodyRelay(.chunked, chunkedOutput: true, highWater: 65536, worker)
      var from = MemoryStream([.bytes(Array(input[..<cut])), .bytes(Array(input[cut...]))])
      var to = MemoryStream()
      let end = run(&relay, &from, &to)
      let decoded = DecodedBody(end.output)
      #expect(decoded == .init(data: Array("ok".utf8), trailers: ["A: b"]))
      let surplus = text(of: relay.takeSurplus())
      // At the very end nothing more is read: the next message stays in the socket.
      #expect(surplus == (cut == bodyEnd ? "" : "GET / HTTP/1.1\r\n"), "cut at \(cut)")
    }
  }

  @Test func `an unfinished trailer is carried over until the rest has come`() throws {
    let worker = quietWorker()
    var relay = BodyRelay(.chunked, chunkedOutput: true, highWater: 65536, worker)
    var first = block("1\r\nx\r\n0\r\nA: b\r\nC", worker)
    try relay.take(&first)
    #expect(text(of: first) == "1\r\nx\r\n")
    let carry = relay.extras.map { text(of: $0.carry) }
    #expect(carry == "A: b\r\nC")
    var from = MemoryStream([.blocked, .text(": d\r\n"), .blocked, .text("\r\n")])
    var to = MemoryStream()
    let end = run(&relay, &from, &to)
    #expect(end.text == "0\r\nA: b\r\nC: d\r\n\r\n")
  }
}
