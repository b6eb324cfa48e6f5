// Reading and writing addresses.
import Bytes
import Testing

@testable import Routing

@Suite struct InternetAddressTests {
  @Test(arguments: [
    ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("10.1.20.255", "10.1.20.255"),
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::1", "2001:db8::1"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:0db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"),
    ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
    ("0:0:0:0:0:0:0:0", "::"), ("1:0:0:0:0:0:0:8", "1::8"),
    ("::ffff:10.0.0.1", "10.0.0.1"), ("::FFFF:a00:1", "10.0.0.1"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("::1.2.3.4", "::102:304"),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
  ])
  func `an address has one form`(text: String, form: String) throws {
    let address = try #require(InternetAddress(text))
    #expect(address.description == form)
    #expect(InternetAddress(form) == address)
    var buffer = BufferPool().borrow(.small)
    address.append(to: &buffer)
    let written = (0..<buffer.count).map { buffer.bytes.octet($0) }
    #expect(written == Array(form.utf8))
    let count = buffer.count
    #expect(count <= InternetAddress.longestText)
  }

  @Test(arguments: [
    "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.", ".1.2.3",
    "1..2.3",
    "+1.2.3.4", "0x1.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.1000", "a.b.c.d",
    ":", ":::", "1:", ":1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::1::", "12345::",
    "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "g::", "fe80::1%eth0", "[::1]",
    "::1.2.3", "::1.2.3.4:5", "1.2.3.4::", "1:2:3:4:5:6:7:1.2.3.4", "::ffff:1.2.3.400",
    "::ffff:01.2.3.4", "1:2:3:4:5:6:7:", "::-1",
  ])
  func `what is no address is refused`(text: String) {
    #expect(InternetAddress(text) == nil)
  }

  @Test func `every address is read back as it was written`() {
    var random = Seeded(1)
    for _ in 0..<2000 {
      // Groups of zeros are the interesting ones.
      let mask = UInt128(random.next()) << 64 | UInt128(random.next())
      var bits = UInt128(random.next()) << 64 | UInt128(random.next())
      for group in 0..<8 where mask >> UInt128(group) & 1 == 0 {
        bits &= ~(0xffff << UInt128(group * 16))
      }
      let address = InternetAddress(bits: bits)
      #expect(InternetAddress(address.description) == address)
    }
  }

  @Test func `random bytes never trap`() {
    var random = Seeded(2)
    let alphabet = Array("0123456789abcdef:.::..%[] ".utf8)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...50, using: &random)).map { _ in
        alphabet.randomElement(using: &random)!
      }
      let text = String(decoding: bytes, as: UTF8.self)
      if let address = InternetAddress(text) {
        #expect(InternetAddress(address.description) == address)
      }
    }
  }
}
