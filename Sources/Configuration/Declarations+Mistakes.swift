// The mistakes of a configuration as they are told: in the order of the lines they stand on.
import Scripting

extension Declarations {
  /// Notes an error that ended a file, which Lua's message says the place of.
  func complain(about error: LuaError) {
    isIncomplete = true
    let text = error.message
    // `rsp.lua:3: what went wrong`
    guard let end = text.firstRange(of: ": ")?.lowerBound,
      let colon = text[..<end].lastIndex(of: ":"),
      let line = Int(text[text.index(after: colon)..<end])
    else { return complain(text + Self.hint(for: text), at: nil) }
    let location = LuaLocation(source: String(text[..<colon]), line: line)
    complain(text[text.index(end, offsetBy: 2)...] + Self.hint(for: text), at: location)
  }

  /// A statement that was probably meant by a call of an unknown global.
  private static func hint(for message: String) -> String {
    // 65,536 strings and tables in one file: a generated one, of as many sites.
    if message.hasSuffix("has more than 65536 constants") {
      return " (split the file and write include \"sites/*.lua\")"
    }
    let opening = "attempt to call global '"
    guard let start = message.firstRange(of: opening)?.upperBound,
      let end = message[start...].firstIndex(of: "'")
    else { return "" }
    let name = String(message[start..<end])
    if let ours = otherWords[name.lowercased()] { return " (did you mean \"\(ours)\"?)" }
    let hint = suggestion(for: name, among: ConfigurationLanguage.statements)
    let all = ConfigurationLanguage.statements.joined(separator: ", ")
    return hint.isEmpty ? " (the statements are: \(all))" : hint
  }

  /// What other servers call our statements.
  private static let otherWords = [
    "backend": "upstream", "bind": "listen", "frontend": "listen", "location": "site",
    "proxy_pass": "proxy", "server": "site", "virtualhost": "site",
  ]

  /// The mistakes in the order of the lines they stand on, those of the whole file last.
  var messages: [String] {
    var sources: [String: Int] = [:]
    for source in mistakes.compactMap(\.location?.source) where sources[source] == nil {
      sources[source] = sources.count
    }
    func rank(_ mistake: Mistake) -> (Int, Int) {
      guard let location = mistake.location else { return (.max, 0) }
      return (sources[location.source] ?? .max, location.line)
    }
    return mistakes.enumerated().sorted { left, right in
      let ranks = (rank(left.element), rank(right.element))
      return ranks.0 == ranks.1 ? left.offset < right.offset : ranks.0 < ranks.1
    }.map { _, mistake in
      let place = mistake.location?.description ?? source
      return place.isEmpty ? mistake.text : "\(place): \(mistake.text)"
    }
  }
}
