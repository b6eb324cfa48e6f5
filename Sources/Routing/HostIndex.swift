// From the Host of a request to the number of its site, at a cost that does not depend on how many
// sites there are.
//
// One open-addressing table holds exact names and wildcards alike: "*.example.com" is the key
// ".example.com", a slice of every host that it covers, so nothing is copied to look it up. A slot
// is eight bytes, and all else about a name lies together in one array of bytes, because with
// 100,000 sites the cost is that of the cache lines that are touched: here two. Which numbers of labels occur among the wildcards is
// known as a set of bits, and only suffixes with such a number are looked up: a host of a hundred
// labels costs no more than one of three.
import Bytes

/// How the name of a site was found.
package enum HostMatch: Sendable, Equatable {
  case exact
  /// By the wildcard whose suffix has so many bytes, its first dot included.
  case wildcard(suffix: Int)
  /// By `*`.
  case any
}

/// A table from host names to numbers. Immutable once published (held in a `let`); the copies of
/// it share their memory.
@usableFromInline
package struct HostIndex: Sendable {
  private struct Slot: BitwiseCopyable {
    /// The lower half of the key's hash; its lowest bits say where the slot would like to be.
    var tag: UInt32
    /// Where the name's record is; 0: the slot is free.
    var record: UInt32

    static let free = Slot(tag: 0, record: 0)
  }

  private var slots: [Slot]
  /// Four bytes of value, lowest first, one of count, and the key; for each name. Begins with a byte
  /// that is nothing, so that no record is at 0.
  private var records: [UInt8] = [0]
  /// Bit n: there is a wildcard whose suffix has n dots. RFC 1035's names have at most 127.
  private var depths: UInt128 = 0
  private var anyHost: UInt32?
  private let hash = NameHash()

  /// How many names there are, `*` included.
  package private(set) var count = 0

  /// - Parameter capacity: how many names are expected; more may come.
  package init(capacity: Int = 0) {
    var size = 8
    while Self.isCrowded(capacity, size) { size *= 2 }
    slots = Array(repeating: .free, count: size)
  }

  /// Bytes of memory behind the table.
  package var byteCount: Int { slots.capacity * MemoryLayout<Slot>.stride + records.capacity }

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
    let hashed = name.key.withBytes(0, name.key.count) { hash.hash($0) }
    let taken = name.key.withBytes(0, name.key.count) { self.value(of: $0, hashed) }
    if let taken { return taken }
    if Self.isCrowded(count + 1, slots.count) { grow() }
    place(Slot(tag: UInt32(truncatingIfNeeded: hashed), record: UInt32(records.count)))
    let number = UInt32(value)
    for shift in stride(from: 0, to: 32, by: 8) {
      records.append(UInt8(truncatingIfNeeded: number >> UInt32(shift)))
    }
    // A wildcard's key has a byte more than the longest name, which still fits.
    records.append(UInt8(name.key.count))
    records.append(contentsOf: name.key)
    count += 1
    if name.kind == .wildcard {
      depths |= 1 << UInt128(name.key.count { $0 == 0x2e })
    }
    return nil
  }

  /// More than three quarters are taken. Up to there a search passes some three slots, neighbours in
  /// a cache line; a larger table with more free ones was slower, as less of it is in the cache.
  private static func isCrowded(_ names: Int, _ slots: Int) -> Bool { names * 4 > slots * 3 }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: .free, count: old.count * 2)
    for slot in old where slot.record > 0 { place(slot) }
  }

  private mutating func place(_ slot: Slot) {
    let mask = slots.count - 1
    var at = Int(slot.tag) & mask
    while slots[at].record > 0 { at = (at + 1) & mask }
    slots[at] = slot
  }

  /// The number of the site for a host.
  ///
  /// - Parameter host: what the Host field or the request's target says, or a TLS server name: a
  ///   valid host with or without a port, in capital or small letters, perhaps with a final dot.
  /// - Returns: the number of the exact name, of the longest wildcard, of `*`, or nil.
  @usableFromInline
  package func find(_ host: RawSpan) -> Int? { match(host)?.value }

  /// As `find`, and tells by which name.
  package func match(_ host: RawSpan) -> (value: Int, by: HostMatch)? {
    // One site for all hosts, as often: their names do not matter.
    if let anyHost, count == 1 { return (Int(anyHost), .any) }
    let end = host.nameEnd
    // A longer one cannot be in the table; brackets enclose at most 45 bytes.
    if end > 0, end <= HostName.longest, host.octet(0) != 0x2e {
      let name = host.extracting(0..<end)
      if let value = value(of: name, hash.hash(name)) { return (value, .exact) }
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
        if let value = value(of: suffix, hash.hash(suffix)) {
          return (value, .wildcard(suffix: suffix.byteCount))
        }
      }
      dots &-= 1
      i &+= 1
    }
    return nil
  }

  @inline(__always)
  private func value(of key: RawSpan, _ hashed: UInt64) -> Int? {
    let mask = slots.count &- 1
    let tag = UInt32(truncatingIfNeeded: hashed)
    var at = Int(tag) & mask
    while true {
      let slot = slots[at]
      if slot.record == 0 { return nil }
      if slot.tag == tag, let value = value(at: Int(slot.record), ifKeyIs: key) { return value }
      at = (at &+ 1) & mask
    }
  }

  @inline(__always)
  private func value(at record: Int, ifKeyIs key: RawSpan) -> Int? {
    records.withBytes(record, records.count &- record) { record in
      guard Int(record.octet(4)) == key.byteCount else { return nil }
      let stored = record.extracting(5..<5 &+ key.byteCount)
      var i = 0
      while i < key.byteCount {
        if stored.word(i) != key.word(i).lowercasedASCII { return nil }
        i &+= 8
      }
      return Int(record.word(0) & 0xffff_ffff)
    }
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
