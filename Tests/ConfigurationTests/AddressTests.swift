// How addresses are read.
import Testing

@testable import Configuration

@Suite struct `An address` {
  @Test(arguments: [
    ("8000", ListenAddress.any(port: 8000)),
    (":8000", .any(port: 8000)),
    ("*:8000", .any(port: 8000)),
    ("1", .any(port: 1)),
    ("65535", .any(port: 65535)),
    ("127.0.0.1:80", .ip(host: "127.0.0.1", port: 80)),
    ("[::1]:80", .ip(host: "::1", port: 80)),
    ("[0:0::0:1]:80", .ip(host: "::1", port: 80)),
    ("Name.Example:80", .name("name.example", port: 80)),
    ("unix:/run/app.sock", .unix(path: "/run/app.sock")),
  ])
  func `to listen on is read`(text: String, expected: ListenAddress) throws {
    #expect(try ListenAddress(text) == expected)
    #expect(try ListenAddress(expected.description) == expected)
  }

  @Test(arguments: [
    "", ":", "0", "65536", "-1", "+80", "8 0", "h", "h:", "h:0", "h:+1", "::1:80", "[::1]",
    "[::1]80", "[127.0.0.1]:80", "[::1:80", "256.0.0.1:80", "1.2.3:80", "01.2.3.4:80", "a..b:80",
    "a b:80",
    "a/b:80", "unix:", "unix:app.sock", "unix:/\u{0}", "http://h:80", "h:80:80", "user@h:80",
  ])
  func `that is none is refused`(text: String) {
    #expect(throws: AddressError.self) { try ListenAddress(text) }
  }

  @Test(arguments: [
    ("127.0.0.1:80", ServerAddress.ip(host: "127.0.0.1", port: 80)),
    ("http://[::1]:8080", .ip(host: "::1", port: 8080)),
    ("http://[::1]", .ip(host: "::1", port: 80)),
    ("HTTP://app.example", .name(host: "app.example", port: 80)),
    ("http://app:8080/", .name(host: "app", port: 8080)),
    ("my_app:80", .name(host: "my_app", port: 80)),
    ("unix:/run/app.sock", .unix(path: "/run/app.sock")),
    ("srv:_http._tcp.App.example", .service(name: "_http._tcp.app.example")),
  ])
  func `of a server is read`(text: String, expected: ServerAddress) throws {
    #expect(try ServerAddress(text) == expected)
    #expect(try ServerAddress(expected.description) == expected)
  }

  @Test(arguments: [
    ("https://h:443", AddressError.tlsOutOfPlace),
    ("HTTPS://h", .tlsOutOfPlace),
    ("http://h/api", .notOnlyAuthority),
    ("http://u@h", .notOnlyAuthority),
    ("8080", .hostMissing(8080)),
    (":8080", .hostMissing(8080)),
    ("*:80", .malformed),
    ("10.0.0.1", .portMissing),
    ("srv:", .badService),
    ("srv:app.example", .badService),
    ("srv:_http._tcp", .badService),
    ("srv:_http._tcp.app.example:80", .badService),
  ])
  func `of a server is refused with the reason`(text: String, expected: AddressError) {
    #expect(throws: expected) { try ServerAddress(text) }
  }

  @Test func `of a Unix socket has at most 107 bytes`() throws {
    let path = "/" + String(repeating: "a", count: 106)
    #expect(try ListenAddress("unix:" + path) == .unix(path: path))
    #expect(throws: AddressError.badSocketPath) { try ListenAddress("unix:" + path + "a") }
  }

  @Test(arguments: [
    ("::1", "1", "[::1]:1"), ("[::1]", "1", "[::1]:1"), ("127.0.0.1", "1", "127.0.0.1:1"),
    ("localhost", "1", "localhost:1"),
  ])
  func `may stand beside its port`(host: String, port: String, expected: String) throws {
    #expect(try ServerAddress(host: host, port: port).description == expected)
  }

  @Test(arguments: ["h:1", "unix:/a", "http://h", "[::1]:2", ""])
  func `beside its port is a host only`(host: String) {
    #expect(throws: AddressError.self) { try ServerAddress(host: host, port: "1") }
  }

  @Test(arguments: [
    ("::", "::"), ("1::", "1::"), ("::1", "::1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
    ("2001:DB8::0001", "2001:db8::1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("::ffff:1.2.3.4", "::ffff:102:304"),
    ("1::2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("10.0.0.255", "10.0.0.255"),
  ])
  func `of IP has one spelling`(text: String, expected: String) {
    #expect(IPAddress(text)?.description == expected)
  }

  @Test(arguments: [
    "", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::12345", "::g", "1:", ":1",
    "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "1.2.3.4:1::", "::1%eth0", "1.2.3", "1.2.3.4.5",
    "1.2.3.04", "1.2.3.+4", "1.2.3.256", "1..2.3",
  ])
  func `of IP is refused when it is malformed`(text: String) {
    #expect(IPAddress(text) == nil)
  }
}
