// SRV records out of a DNS message: RFC 1035 4.1 and RFC 2782. c-ares checks that an answer belongs to
// its question; what it says is read here, since c-ares' own reader leaves the times to live out.

/// Where one instance of a service is.
package struct ServiceRecord: Sendable, Hashable {
  /// A host name, without the last dot.
  package var host: String
  package var port: UInt16
  /// Lower is preferred.
  package var priority: UInt16
  package var weight: UInt16

  package init(host: String, port: UInt16, priority: UInt16 = 0, weight: UInt16 = 0) {
    self.host = host
    self.port = port
    self.priority = priority
    self.weight = weight
  }
}

/// A DNS message that is read from front to back.
struct ServiceMessage {
  private let bytes: [UInt8]
  private var position = 0

  /// The SRV records of an answer and the least of their times to live.
  ///
  /// - Parameter most: how many are taken; the others are dropped.
  static func answer(in bytes: [UInt8], most: Int) -> ResolverAnswer {
    var message = ServiceMessage(bytes: bytes)
    guard let (records, ttl) = message.records(most: most) else { return .failure(.serverFailed) }
    return records.isEmpty ? .failure(.notFound) : .services(records, ttl: ttl)
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// - Returns: nil for a message that is malformed.
  private mutating func records(most: Int) -> ([ServiceRecord], ttl: Int64)? {
    position = 4
    guard let questions = number(2), let answers = number(2) else { return nil }
    position = 12
    for _ in 0..<questions {
      guard name() != nil, number(4) != nil else { return nil }
    }
    var records: [ServiceRecord] = []
    var least = Int64.max
    for _ in 0..<answers {
      guard name() != nil, let kind = number(4), let ttl = number(4), let length = number(2),
        position + length <= bytes.count
      else { return nil }
      let end = position + length
      // RFC 2181 8: with the highest bit set it counts as 0. That of an alias counts as well.
      least = min(least, ttl > Int(Int32.max) ? 0 : Int64(ttl))
      // Type 33 (SRV) of class 1 (the internet).
      if kind == 33 << 16 | 1 {
        guard let record = record(), position == end else { return nil }
        // RFC 2782: the root as a target says that the service is not offered here.
        if !record.host.isEmpty, record.port > 0, records.count < most { records.append(record) }
      }
      position = end
    }
    return (records, least)
  }

  private mutating func record() -> ServiceRecord? {
    guard let priority = number(2), let weight = number(2), let port = number(2), let host = name()
    else { return nil }
    return ServiceRecord(
      host: host, port: UInt16(port), priority: UInt16(priority), weight: UInt16(weight))
  }

  /// A number of so many bytes, at most four.
  private mutating func number(_ count: Int) -> Int? {
    guard position + count <= bytes.count else { return nil }
    defer { position += count }
    return bytes[position..<position + count].reduce(0) { $0 << 8 | Int($1) }
  }

  /// A name, its labels joined by dots: RFC 1035 4.1.4. A pointer may lead to the front only, so no
  /// name is without an end.
  ///
  /// - Returns: nil for what is malformed, or no name of a host.
  private mutating func name() -> String? {
    var text: [UInt8] = []
    var at = position
    var end: Int?
    var bound = position
    while true {
      guard at < bytes.count else { return nil }
      let length = Int(bytes[at])
      if length == 0 { break }
      if length >= 0xc0 {
        guard at + 1 < bytes.count else { return nil }
        end = end ?? at + 2
        at = (length & 0x3f) << 8 | Int(bytes[at + 1])
        guard at < bound else { return nil }
        bound = at
        continue
      }
      guard length < 64, at + length < bytes.count else { return nil }
      let label = bytes[at + 1...at + length]
      guard label.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ".") }) else {
        return nil
      }
      if !text.isEmpty { text.append(UInt8(ascii: ".")) }
      text += label
      guard text.count <= 253 else { return nil }
      at += length + 1
    }
    position = end ?? at + 1
    return String(decoding: text, as: UTF8.self).lowercased()
  }
}
