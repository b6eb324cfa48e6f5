// What may stand as the name of a site.
import Testing

@testable import Routing

@Suite struct HostNameTests {
  @Test(arguments: [
    ("example.com", "example.com"),
    ("WWW.Example.COM", "www.example.com"),
    ("example.com.", "example.com"),
    ("*.Example.com", "*.example.com"),
    ("*", "*"),
    ("localhost", "localhost"),
    ("my_app.internal", "my_app.internal"),
    ("192.0.2.1", "192.0.2.1"),
    ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("[2001:DB8:0::1]", "[2001:db8::1]"),
  ])
  func `a name has one form`(written: String, form: String) throws {
    #expect(try HostName(written).description == form)
  }

  @Test(arguments: [
    ("", HostNameError.empty),
    (".", .emptyLabel),
    ("*.", .emptyLabel),
    (".example.com", .emptyLabel),
    ("a..b", .emptyLabel),
    ("example.com..", .emptyLabel),
    ("example.com:80", .port),
    ("[::1]:80", .port),
    ("www.*.com", .misplacedWildcard),
    ("www.example.*", .misplacedWildcard),
    ("*example.com", .misplacedWildcard),
    ("**.example.com", .misplacedWildcard),
    ("bücher.example", .beyondASCII),
    ("a b", .forbiddenByte(0x20, column: 2)),
    ("*.a/b", .forbiddenByte(0x2f, column: 4)),
    ("~^www", .forbiddenByte(0x7e, column: 1)),
    ("[::1", .notIPv6),
    ("[1.2.3.4]", .notIPv6),
    ("[::ffff:1.2.3.4]", .notIPv6),
    ("[::1]x", .notIPv6),
  ])
  func `what no request could carry is refused`(written: String, error: HostNameError) {
    #expect(throws: error) { try HostName(written) }
  }

  @Test func `a label has 63 bytes and a name 253`() throws {
    let label = String(repeating: "a", count: 63)
    _ = try HostName(label + ".example")
    #expect(throws: HostNameError.labelTooLong) { try HostName(label + "a.example") }
    let name = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
    #expect(name.utf8.count == 253)
    _ = try HostName(name)
    #expect(throws: HostNameError.tooLong) { try HostName(name + "b") }
  }

  @Test func `each error says what to do`() {
    #expect(HostNameError.port.description.contains("listen"))
    #expect(HostNameError.forbiddenByte(0x2f, column: 4).description.contains("\"/\" at column 4"))
  }
}
