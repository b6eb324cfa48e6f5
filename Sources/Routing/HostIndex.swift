// From the Host of a request to the number of its site, at a cost that does not depend on how many
// sites there are.
//
// One open-addressing table holds exact names and wildcards alike: "*.example.com" is the key
// ".example.com", a slice of every host that it covers, so nothing is copied to look it up. With
// 100,000 sites the cost is that of waiting for memory: of 440 ns three lines took 400, each known only
// when the one before had come (docs/decisions/0018). So all about a name is in one line, where its hash
// says: its number, eight bytes that its owner notes, how often it was used, and the name itself, if it
// is not longer than most.
// Which numbers of labels occur among the wildcards is known as a set of bits, and only suffixes with such
// a number are looked up: a host of a hundred labels costs no more than one of three.
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
  /// A power of two of cells, a cache line each:
  ///
  ///     word 0    the lower half of the hash, of which the lowest bits say where the name would like to
  ///               be; the bytes of the key; and 1, or the cell is free
  ///     word 1    where in `longKeys` the key is, if not here; the name's number
  ///     word 2    its owner's note
  ///     word 3    how often it was used
  ///     4 to 7    the key, the first byte lowest, filled up with zeros
  private var cells: [UInt64]
  /// The keys that are longer than 32 bytes, in whole words.
  private var longKeys: [UInt64] = []
  /// Bit n: there is a wildcard whose suffix has n dots. RFC 1035's names have at most 127.
  private var depths: UInt128 = 0
  private var anyHost: (value: Int, note: UInt64)?
  private let hash = NameHash()

  /// How many names there are, `*` included.
  package private(set) var count = 0

  /// Words in a cache line, and before the key in it.
  private static var line: Int { 8 }
  private static var keyStart: Int { 4 }

  /// - Parameter expected: how many names there will be; more may come.
  package init(expecting expected: Int = 0) {
    var size = 8
    while Self.isCrowded(expected, size) { size *= 2 }
    cells = Array(inHugePages: 0, count: size * Self.line)
  }

  /// Bytes of memory behind the table.
  package var byteCount: Int { (cells.capacity + longKeys.capacity) * 8 }

  /// Gives a name a number.
  ///
  /// - Parameters:
  ///   - value: a number from 0 to `UInt32.max`.
  ///   - note: what is to be found with it.
  /// - Returns: the number that the name has already and keeps; nil when it was new.
  package mutating func insert(_ name: HostName, _ value: Int, note: UInt64 = 0) -> Int? {
    if name.kind == .any {
      if let anyHost { return anyHost.value }
      anyHost = (value, note)
      count += 1
      return nil
    }
    let hashed = name.key.withBytes { hash.hash($0) }
    let taken = name.key.withBytes { cell(of: $0, hashed) }
    if let taken { return self.value(in: taken) }
    if Self.isCrowded(count + 1, cells.count / Self.line) { makeCells() }
    let place = freeCell(for: hashed)
    cells[place] = hashed << 32 | UInt64(name.key.count) << 1 | 1
    cells[place + 1] = UInt64(longKeys.count) << 32 | UInt64(UInt32(value))
    cells[place + 2] = note
    name.key.withBytes { key in
      for word in 0..<Self.words(key.byteCount) {
        if Self.isLong(key.byteCount) {
          longKeys.append(key.word(8 * word))
        } else {
          cells[place + Self.keyStart + word] = key.word(8 * word)
        }
      }
    }
    count += 1
    if name.kind == .wildcard {
      depths |= 1 << UInt128(name.key.count { $0 == 0x2e })
    }
    return nil
  }

  /// More than half are taken. Up to there nearly all names are in the line where they would like to be
  /// or the next, which the processor fetches along.
  private static func isCrowded(_ names: Int, _ cells: Int) -> Bool { names * 2 > cells }

  private mutating func makeCells() {
    var old = [UInt64](inHugePages: 0, count: cells.count * 2)
    swap(&old, &cells)
    for cell in stride(from: 0, to: old.count, by: Self.line) where old[cell] > 0 {
      let new = freeCell(for: old[cell] >> 32)
      for word in 0..<Self.line { cells[new + word] = old[cell + word] }
    }
  }

  private func freeCell(for hashed: UInt64) -> Int {
    var cell = firstCell(for: hashed)
    while cells[cell] > 0 { cell = (cell + Self.line) & (cells.count - 1) }
    return cell
  }

  /// Whether a key finds no room in its cell.
  @inline(__always)
  private static func isLong(_ bytes: Int) -> Bool { bytes > 8 &* (line &- keyStart) }

  /// How many words a key takes.
  private static func words(_ bytes: Int) -> Int { (bytes + 7) / 8 }

  /// The number of the site for a host.
  ///
  /// - Parameter host: what the Host field or the request's target says, or a TLS server name: a
  ///   valid host with or without a port, in capital or small letters, perhaps with a final dot.
  /// - Returns: the number of the exact name, of the longest wildcard, of `*`, or nil.
  package func find(_ host: RawSpan) -> Int? { match(host)?.value }

  /// What is known of a host.
  package struct Match {
    package let value: Int
    package let note: UInt64
    /// Where the name is kept, until another is inserted; nil for `*`.
    package let place: Int?
    /// By which name.
    package let by: HostMatch
  }

  /// As `find`, and tells more.
  package func match(_ host: RawSpan) -> Match? {
    // One site for all hosts, as often: their names do not matter.
    if count == 1, let any { return any }
    let end = host.nameEnd
    // A longer one cannot be in the table; brackets enclose at most 45 bytes.
    if end > 0, end <= HostName.longest, host.octet(0) != 0x2e {
      let name = host.extracting(0..<end)
      if let found = cell(of: name, hash.hash(name)) { return match(in: found, .exact) }
      if depths != 0, let found = wildcard(name) { return found }
    }
    return any
  }

  private var any: Match? {
    anyHost.map { Match(value: $0.value, note: $0.note, place: nil, by: .any) }
  }

  /// The longest wildcard first: the one that begins at the leftmost dot.
  private func wildcard(_ name: RawSpan) -> Match? {
    var dots = 0
    for i in 0..<name.byteCount where name.octet(i) == 0x2e { dots &+= 1 }
    var i = 0
    while dots > 0 {
      while name.octet(i) != 0x2e { i &+= 1 }
      // Bits from 128 on are shifted out: such a suffix is in no table.
      if depths >> UInt128(dots) & 1 == 1 {
        let suffix = name.extracting(i..<name.byteCount)
        if let found = cell(of: suffix, hash.hash(suffix)) {
          return match(in: found, .wildcard(suffix: suffix.byteCount))
        }
      }
      dots &-= 1
      i &+= 1
    }
    return nil
  }

  @inline(__always)
  private func match(in cell: Int, _ by: HostMatch) -> Match {
    Match(value: value(in: cell), note: cells[cell &+ 2], place: cell, by: by)
  }

  @inline(__always)
  private func firstCell(for hashed: UInt64) -> Int {
    Self.line &* Int(hashed & 0xffff_ffff) & (cells.count &- 1)
  }

  @inline(__always)
  private func cell(of key: RawSpan, _ hashed: UInt64) -> Int? {
    let head = hashed << 32 | UInt64(key.byteCount) << 1 | 1
    var cell = firstCell(for: hashed)
    while true {
      let found = cells[cell]
      if found == 0 { return nil }
      if found == head, isKey(key, in: cell) { return cell }
      cell = (cell &+ Self.line) & (cells.count &- 1)
    }
  }

  /// Whether the key of a cell, which is as long, is the same.
  @inline(__always)
  private func isKey(_ key: RawSpan, in cell: Int) -> Bool {
    if Self.isLong(key.byteCount) { return isLongKey(key, in: cell) }
    var (at, i) = (cell &+ Self.keyStart, 0)
    while i < key.byteCount {
      let word = key.word(i)
      // Most clients write names small; the key has no capitals.
      if cells[at] != word, cells[at] != word.lowercasedASCII { return false }
      at &+= 1
      i &+= 8
    }
    return true
  }

  private func isLongKey(_ key: RawSpan, in cell: Int) -> Bool {
    let start = Int(cells[cell + 1] >> 32)
    return (0..<Self.words(key.byteCount)).allSatisfy {
      longKeys[start + $0] == key.word(8 * $0).lowercasedASCII
    }
  }

  @inline(__always)
  private func value(in cell: Int) -> Int { Int(cells[cell &+ 1] & 0xffff_ffff) }

  private func keyCount(in cell: Int) -> Int { Int(cells[cell] >> 1 & 0xff) }

  /// A word of the key of a cell.
  private func keyWord(_ number: Int, in cell: Int) -> UInt64 {
    Self.isLong(keyCount(in: cell))
      ? longKeys[Int(cells[cell + 1] >> 32) + number] : cells[cell + Self.keyStart + number]
  }
}

// MARK: Uses

extension HostIndex {
  /// Counts a use of the name that is kept in a place.
  package mutating func noteUse(at place: Int) { cells[place + 3] &+= 1 }

  /// Tells of each name but `*` its number and how often it was used.
  package func forEachUse(_ tell: (_ value: Int, _ uses: Int) -> Void) {
    for cell in stride(from: 0, to: cells.count, by: Self.line) where cells[cell + 3] > 0 {
      tell(value(in: cell), Int(cells[cell + 3]))
    }
  }
}

// MARK: Names

extension HostIndex {
  /// Where a name is kept, until another is inserted; nil for `*`, and for one that is not there.
  package func place(of name: HostName) -> Int? {
    guard name.kind != .any else { return nil }
    return name.key.withBytes { cell(of: $0, hash.hash($0)) }
  }

  /// The name that is kept in a place, as `HostName.description` writes it.
  package func name(at place: Int) -> String {
    let key = (0..<keyCount(in: place)).map { byte in
      UInt8(truncatingIfNeeded: keyWord(byte / 8, in: place) >> UInt64(byte % 8 * 8))
    }
    return (key[0] == 0x2e ? "*" : "") + String(decoding: key, as: UTF8.self)
  }

  /// Whether a name that is kept in a place is the same as one that another index keeps in another.
  package func hasName(at place: Int, of other: borrowing HostIndex, at otherPlace: Int) -> Bool {
    let count = keyCount(in: place)
    guard count == other.keyCount(in: otherPlace) else { return false }
    for word in 0..<Self.words(count)
    where keyWord(word, in: place) != other.keyWord(word, in: otherPlace) {
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
