// From the Host of a request to the number of its site, at a cost that does not depend on how many
// sites there are.
//
// One open-addressing table holds exact names and wildcards alike: "*.example.com" is the key
// ".example.com", a slice of every host that it covers, so nothing is copied to look it up. With
// 100,000 sites the cost is that of the cache lines that are touched, and of finding their pages. Here
// it is two lines: a slot of sixteen bytes, which has the name's number, and a record with the name itself,
// which lies in one line unless the name is longer than most; both in memory of huge pages (`Table`). As
// the number is in the slot, what is known of the site is fetched while the names are still being
// compared. Which numbers of
// labels occur among the wildcards is known as a set of bits, and only suffixes with such a number are
// looked up: a host of a hundred labels costs no more than one of three.
import Bytes

/// How the name of a site was found.
package enum HostMatch: Sendable, Equatable {
  case exact
  /// By the wildcard whose suffix has so many bytes, its first dot included.
  case wildcard(suffix: Int)
  /// By `*`.
  case any
}

/// A table from host names to numbers. Immutable once published; never copied, as a copy would count
/// references at each request.
package struct HostIndex: ~Copyable, Sendable {
  /// A power of two of slots, two words each. The first has the lower half of its key's hash above, of
  /// which the lowest bits say where it would like to be, and below where the name's record is; 0: it is
  /// free. The second is the name's number.
  private var slots: Table<UInt64>
  /// For each name its count of bytes and its key, eight bytes to a word, the first one lowest, filled up
  /// with zeros. Begins with a line that is nothing, so that no record is at 0.
  private var records: Table<UInt64>
  /// How many words of `records` are taken.
  private var used = Self.line
  /// Bit n: there is a wildcard whose suffix has n dots. RFC 1035's names have at most 127.
  private var depths: UInt128 = 0
  private var anyHost: UInt32?
  private let hash = NameHash()

  /// How many names there are, `*` included.
  package private(set) var count = 0

  /// Words in a cache line.
  private static var line: Int { 8 }

  /// - Parameter names: those that are expected; more may come.
  package init(expecting names: some Sequence<HostName> = EmptyCollection()) {
    var (size, count, words) = (8, 0, Self.line)
    for name in names {
      count += 1
      words = Self.start(of: name.key.count, after: words) + Self.words(name.key.count)
    }
    while Self.isCrowded(count, size) { size *= 2 }
    slots = Table(repeating: 0, count: 2 * size)
    records = Table(repeating: 0, count: words)
  }

  /// Bytes of memory behind the table.
  package var byteCount: Int { slots.byteCount + records.byteCount }

  /// Gives a name a number.
  ///
  /// - Parameter value: a number from 0 to `UInt32.max`.
  /// - Returns: the number that the name has already and keeps; nil when it was new.
  package mutating func insert(_ name: HostName, _ value: Int) -> Int? {
    if name.kind == .any {
      if let anyHost { return Int(anyHost) }
      anyHost = UInt32(value)
      count += 1
      return nil
    }
    let hashed = name.key.withBytes { hash.hash($0) }
    let taken = name.key.withBytes { slot(of: $0, hashed) }
    if let taken { return self.value(in: taken) }
    if Self.isCrowded(count + 1, slots.count / 2) { makeSlots() }
    let place = append(name.key)
    put(hashed << 32 | UInt64(UInt32(place)), UInt64(UInt32(value)))
    count += 1
    if name.kind == .wildcard {
      depths |= 1 << UInt128(name.key.count { $0 == 0x2e })
    }
    return nil
  }

  /// More than three quarters are taken. Up to there a search passes some three slots, neighbours in
  /// a cache line; a larger table with more free ones was slower, as less of it is in the cache.
  private static func isCrowded(_ names: Int, _ slots: Int) -> Bool { names * 4 > slots * 3 }

  private mutating func makeSlots() {
    var old = Table<UInt64>(repeating: 0, count: slots.count * 2)
    swap(&old, &slots)
    for slot in stride(from: 0, to: old.count, by: 2) where old[slot] > 0 {
      put(old[slot], old[slot + 1])
    }
  }

  private mutating func put(_ tagged: UInt64, _ value: UInt64) {
    let mask = slots.count - 1
    var slot = 2 * Int(tagged >> 32) & mask
    while slots[slot] > 0 { slot = (slot + 2) & mask }
    slots[slot] = tagged
    slots[slot + 1] = value
  }

  /// How many words the record of a key takes.
  private static func words(_ bytes: Int) -> Int { 1 + (bytes + 7) / 8 }

  /// Where the next record begins: in a new line if it would not end in the one that is begun.
  private static func start(of bytes: Int, after used: Int) -> Int {
    let left = (line - used % line) % line
    return words(bytes) <= left ? used : used + left
  }

  /// - Returns: where the record is.
  private mutating func append(_ key: [UInt8]) -> Int {
    let start = Self.start(of: key.count, after: used)
    used = start + Self.words(key.count)
    if used > records.count { records = records.grown(to: used * 3 / 2, filling: 0) }
    records[start] = UInt64(key.count)
    key.withBytes { key in
      for word in 0..<(key.byteCount + 7) / 8 { records[start + 1 + word] = key.word(8 * word) }
    }
    return start
  }

  /// The number of the site for a host.
  ///
  /// - Parameter host: what the Host field or the request's target says, or a TLS server name: a
  ///   valid host with or without a port, in capital or small letters, perhaps with a final dot.
  /// - Returns: the number of the exact name, of the longest wildcard, of `*`, or nil.
  package func find(_ host: RawSpan) -> Int? { match(host)?.value }

  /// As `find`, and tells by which name.
  package func match(_ host: RawSpan) -> (value: Int, by: HostMatch)? {
    // One site for all hosts, as often: their names do not matter.
    if let anyHost, count == 1 { return (Int(anyHost), .any) }
    let end = host.nameEnd
    // A longer one cannot be in the table; brackets enclose at most 45 bytes.
    if end > 0, end <= HostName.longest, host.octet(0) != 0x2e {
      let name = host.extracting(0..<end)
      if let found = slot(of: name, hash.hash(name)) { return (value(in: found), .exact) }
      if depths != 0, let found = wildcard(name) { return found }
    }
    guard let anyHost else { return nil }
    return (Int(anyHost), .any)
  }

  /// The longest wildcard first: the one that begins at the leftmost dot.
  private func wildcard(_ name: RawSpan) -> (value: Int, by: HostMatch)? {
    var dots = 0
    for i in 0..<name.byteCount where name.octet(i) == 0x2e { dots &+= 1 }
    var i = 0
    while dots > 0 {
      while name.octet(i) != 0x2e { i &+= 1 }
      // Bits from 128 on are shifted out: such a suffix is in no table.
      if depths >> UInt128(dots) & 1 == 1 {
        let suffix = name.extracting(i..<name.byteCount)
        if let found = slot(of: suffix, hash.hash(suffix)) {
          return (value(in: found), .wildcard(suffix: suffix.byteCount))
        }
      }
      dots &-= 1
      i &+= 1
    }
    return nil
  }

  @inline(__always)
  private func slot(of key: RawSpan, _ hashed: UInt64) -> Int? {
    let mask = slots.count &- 1
    let tag = hashed & 0xffff_ffff
    var slot = 2 &* Int(tag) & mask
    while true {
      let tagged = slots[slot]
      if tagged == 0 { return nil }
      if tagged >> 32 == tag, isKey(key, at: Int(tagged & 0xffff_ffff)) { return slot }
      slot = (slot &+ 2) & mask
    }
  }

  @inline(__always)
  private func isKey(_ key: RawSpan, at record: Int) -> Bool {
    guard keyCount(at: record) == key.byteCount else { return false }
    var (at, i) = (record, 0)
    while i < key.byteCount {
      at &+= 1
      let word = key.word(i)
      // Most clients write names small; the key has no capitals.
      if records[at] != word, records[at] != word.lowercasedASCII { return false }
      i &+= 8
    }
    return true
  }

  @inline(__always)
  private func value(in slot: Int) -> Int { Int(slots[slot &+ 1]) }

  @inline(__always)
  private func keyCount(at record: Int) -> Int { Int(records[record]) }
}

// MARK: Names

extension HostIndex {
  /// Where a name that is in the table is kept; 0 for `*`, and for one that is not there.
  package func place(of name: HostName) -> Int {
    guard name.kind != .any else { return 0 }
    let found = name.key.withBytes { slot(of: $0, hash.hash($0)) }
    guard let found else { return 0 }
    return Int(slots[found] & 0xffff_ffff)
  }

  /// The name that is kept in a place, as `HostName.description` writes it.
  package func name(at place: Int) -> String {
    guard place > 0 else { return HostName.any.description }
    let key = (0..<keyCount(at: place)).map { byte in
      UInt8(truncatingIfNeeded: records[place + 1 + byte / 8] >> UInt64(byte % 8 * 8))
    }
    return (key[0] == 0x2e ? "*" : "") + String(decoding: key, as: UTF8.self)
  }

  /// Whether a name that is kept in a place is the same as one that another index keeps in another.
  package func hasName(at place: Int, of other: borrowing HostIndex, at otherPlace: Int) -> Bool {
    guard place > 0, otherPlace > 0 else { return place == otherPlace }
    let count = keyCount(at: place)
    guard count == other.keyCount(at: otherPlace) else { return false }
    for word in 1..<Self.words(count)
    where records[place + word] != other.records[otherPlace + word] {
      return false
    }
    return true
  }
}

extension RawSpan {
  /// Where the name of a host ends: before `:port` and before a final dot (RFC 3986 3.2.2).
  @inline(__always)
  var nameEnd: Int {
    var end = byteCount
    var i = end
    while i > 0, octet(i &- 1) &- 0x30 < 10 { i &-= 1 }
    if i > 0, octet(i &- 1) == 0x3a { end = i &- 1 }
    if end > 1, octet(end &- 1) == 0x2e { end &-= 1 }
    return end
  }
}
