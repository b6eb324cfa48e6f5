// Finding a site by its name: rules, edges, and a naive model on random names.
import Testing

@testable import Routing

/// Values by names, for which the index has the numbers.
private final class HostTable<Value> {
  var index = HostIndex()
  var values: [Value] = []

  func insert(_ name: HostName, _ value: Value) -> Value? {
    if let taken = index.insert(name, values.count) { return values[taken] }
    values.append(value)
    return nil
  }

  subscript(host: RawSpan) -> Value? { index.find(host).map { values[$0] } }
}

@Suite struct HostIndexTests {
  private func table(_ names: String...) throws -> HostTable<String> {
    let table = HostTable<String>()
    for name in names { #expect(table.insert(try HostName(name), name) == nil) }
    return table
  }

  @Test(arguments: [
    ("example.com", "example.com"),
    ("EXAMPLE.com", "example.com"),
    ("example.com:8080", "example.com"),
    ("example.com.", "example.com"),
    ("example.com.:443", "example.com"),
    ("example.com..", "*"),
    ("www.example.com", "www.example.com"),
    ("a.example.com", "*.example.com"),
    ("A.B.Example.Com:1", "*.example.com"),
    ("x.api.example.com", "*.api.example.com"),
    ("api.example.com", "*.example.com"),
    (".example.com", "*"),
    ("notexample.com", "*"),
    ("example.co", "*"),
    ("example.comm", "*"),
    ("", "*"),
    (".", "*"),
    (":80", "*"),
    ("[::1]", "[::1]"),
    ("[::1]:80", "[::1]"),
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1:9", "127.0.0.1"),
    ("127.0.0.10", "*"),
    ("12345678", "12345678"),
    ("a[z@`", "*"),
  ])
  func `the exact name wins, then the longest wildcard, then any`(host: String, site: String) throws
  {
    let table = try table(
      "example.com", "www.example.com", "*.example.com", "*.api.example.com", "*", "[::1]",
      "127.0.0.1", "12345678")
    #expect(host.withSpan { table[$0] } == site)
  }

  @Test func `without a site for any host, an unknown one has none`() throws {
    let table = try table("example.com", "*.example.com")
    #expect("example.org".withSpan { table[$0] } == nil)
    #expect("".withSpan { table[$0] } == nil)
    #expect("example.com".withSpan { HostTable<Int>()[$0] } == nil)
  }

  @Test func `a name belongs to the first who has it`() throws {
    let table = HostTable<Int>()
    #expect(table.insert(try HostName("a.example"), 1) == nil)
    #expect(table.insert(try HostName("A.example."), 2) == 1)
    #expect(table.insert(try HostName("*"), 3) == nil)
    #expect(table.insert(try HostName("*"), 4) == 3)
    #expect("a.example".withSpan { table[$0] } == 1)
    #expect("b.example".withSpan { table[$0] } == 3)
    #expect(table.index.count == 2)
  }

  @Test func `it is told by which name a site was found`() throws {
    let table = HostTable<Int>()
    for (number, name) in ["a.example", "*.example", "*"].enumerated() {
      #expect(table.insert(try HostName(name), number) == nil)
    }
    #expect("a.example".withSpan { table.index.match($0)?.by } == .exact)
    #expect("b.example".withSpan { table.index.match($0)?.by } == .wildcard(suffix: 8))
    #expect("b.example.org".withSpan { table.index.match($0)?.by } == .any)
  }

  @Test func `only ASCII letters have two cases`() throws {
    // "@" and "[" stand beside the letters; with bit 5 set they are "`" and "{".
    let table = try table("a-z.example")
    #expect("A-Z.EXAMPLE".withSpan { table[$0] } == "a-z.example")
    for byte in UInt8(0)...255 where byte != 0x41 && byte != 0x61 {
      let host = [byte] + Array("-z.example".utf8)
      #expect(unsafe table[host.span.bytes] == nil)
    }
  }

  @Test func `words are made lower-case as their bytes are`() {
    for byte in UInt8(0)...255 {
      let small = 0x41...0x5a ~= byte ? byte + 0x20 : byte
      let other: UInt64 = 0x5aff_4180_7a60_5b00
      let word = other | UInt64(byte)
      #expect(word.lowercasedASCII == 0x7aff_6180_7a60_5b00 | UInt64(small))
    }
  }

  @Test func `a name of 253 bytes is found, and a longer host is none`() throws {
    let label = String(repeating: "a", count: 63)
    let name = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
    let table = try table(name, "*.\(label)")
    #expect(name.withSpan { table[$0] } == name)
    #expect((name + ".:65535").withSpan { table[$0] } == name)
    #expect((name + "b").withSpan { table[$0] } == nil)
    #expect(String(repeating: "a.", count: 5000).withSpan { table[$0] } == nil)
  }

  @Test func `a host of many labels is looked up by the depths there are`() throws {
    let deep = String(repeating: "a.", count: 120) + "example"
    let table = try table("*.example", "*." + String(repeating: "a.", count: 60) + "example")
    #expect(deep.withSpan { table[$0] }?.count == 2 + 120 + 7)
    #expect(deep.dropFirst(120).description.withSpan { table[$0] } == "*.example")
  }

  @Test func `the hash is SipHash-1-3`() {
    let hash = NameHash(key0: 0x0706_0504_0302_0100, key1: 0x0f0e_0d0c_0b0a_0908)
    #expect("".withSpan { hash.hash($0) } == 0xabac_0158_050f_c4dc)
  }

  @Test func `the hash depends on every byte and on the length`() {
    let hash = NameHash(key0: 1, key1: 2)
    var seen: Set<UInt64> = []
    for count in 0..<40 {
      let zeros = [UInt8](repeating: 0, count: count)
      #expect(seen.insert(unsafe hash.hash(zeros.span.bytes)).inserted)
      for place in 0..<count {
        var bytes = zeros
        bytes[place] = 1
        #expect(seen.insert(unsafe hash.hash(bytes.span.bytes)).inserted)
      }
    }
  }

  @Test(arguments: 0..<20)
  func `random tables answer as a naive one`(seed: Int) throws {
    var random = Seeded(UInt64(seed))
    func name() -> String {
      (0..<Int.random(in: 1...4, using: &random))
        .map { _ in
          ["a", "b", "Cc", "example", "a-very-long-label-of-a-name"].randomElement(using: &random)!
        }
        .joined(separator: ".")
    }
    let table = HostTable<Int>()
    var model: [String: Int] = [:]
    for number in 0..<Int.random(in: 1...200, using: &random) {
      let wild = ["", "", "*."].randomElement(using: &random)!
      let name = number == 7 ? "*" : wild + name()
      let taken = table.insert(try HostName(name), number)
      #expect(taken == model[name.lowercased()])
      if taken == nil { model[name.lowercased()] = number }
    }
    for _ in 0..<500 {
      let host = name()
      let ports = ["", ":80", ".", ".:443"].randomElement(using: &random)!
      #expect((host + ports).withSpan { table[$0] } == naive(model, host.lowercased()), "\(host)")
    }
  }

  private func naive(_ model: [String: Int], _ host: String) -> Int? {
    if let exact = model[host] { return exact }
    var rest = host[...]
    while let dot = rest.firstIndex(of: ".") {
      rest = rest[rest.index(after: dot)...]
      if let found = model["*." + rest] { return found }
    }
    return model["*"]
  }

  @Test(arguments: [true, false])
  func `a hundred thousand names take under 200 bytes each, expected or not`(
    areExpected: Bool
  ) throws {
    let names = try (0..<100_000).map { try HostName("customer-\($0).hosting.example") }
    let table = HostTable<Int>()
    if areExpected { table.index = HostIndex(expecting: names.count) }
    let room = table.index.byteCount
    let areNew = names.enumerated().allSatisfy { table.insert($1, $0) == nil }
    #expect(areNew)
    #expect(table.index.byteCount < 200 * 100_000)
    #expect((table.index.byteCount == room) == areExpected)
    for number in stride(from: 0, to: 100_000, by: 997) {
      #expect("customer-\(number).hosting.example".withSpan { table[$0] } == number)
    }
    #expect("customer-100000.hosting.example".withSpan { table[$0] } == nil)
  }

  @Test(arguments: 1...63) func `a name of any length is kept and told`(_ count: Int) throws {
    let table = HostTable<Int>()
    let label = String(repeating: "a", count: 60)
    let end = String(repeating: "b", count: count)
    let names = try [end, "\(label).\(label).\(end)", "*.\(end)", "*"].map { try HostName($0) }
    for (number, name) in names.enumerated() { #expect(table.insert(name, number) == nil) }
    for (number, name) in names.enumerated() {
      let place = table.index.place(of: name)
      #expect(place.map { table.index.name(at: $0) } ?? "*" == name.description)
      let host = name.description.replacing("*", with: "c")
      #expect(host.uppercased().withSpan { table[$0] } == number)
    }
  }

  @Test func `names are compared between two indexes`() throws {
    let names = ["a.example", "b.example", "*.a.example", "a.example.longer-than-a-word", "*"]
    let (left, right) = (HostTable<Int>(), HostTable<Int>())
    for (number, name) in names.enumerated() {
      #expect(left.insert(try HostName(name), number) == nil)
      #expect(right.insert(try HostName(names[names.count - 1 - number]), number) == nil)
    }
    for name in names.dropLast() {
      for other in names.dropLast() {
        let place = try #require(left.index.place(of: try HostName(name)))
        let otherPlace = try #require(right.index.place(of: try HostName(other)))
        #expect(
          left.index.hasName(at: place, of: right.index, at: otherPlace) == (name == other),
          "\(name) \(other)")
      }
    }
    #expect(left.index.place(of: try HostName("c.example")) == nil)
    #expect(left.index.place(of: .any) == nil)
  }

  @Test func `a name is found with its note, and its uses are counted also when the table grows`()
    throws
  {
    var index = HostIndex()
    let names = (0..<20).map { "\(String(repeating: "x", count: 3 * $0))a\($0).example" }
    for (number, name) in names.enumerated() {
      #expect(index.insert(try HostName(name), number, note: UInt64(number) << 40) == nil)
      let place = try #require(index.place(of: try HostName(name)))
      for _ in 0..<number { index.noteUse(at: place) }
    }
    for (number, name) in names.enumerated() {
      let (note, value) = name.withSpan { host in
        index.match(host).map { ($0.note, $0.value) } ?? (0, -1)
      }
      #expect(note == UInt64(number) << 40)
      #expect(value == number)
    }
    var uses: [Int: Int] = [:]
    index.forEachUse { uses[$0] = $1 }
    #expect(uses == Dictionary(uniqueKeysWithValues: (1..<20).map { ($0, $0) }))
  }
}
