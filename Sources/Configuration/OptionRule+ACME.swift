// The options of `acme`: which authority is asked for certificates, and how names are proved to it.
import Scripting

extension OptionRule<ProcessOptions>.Special {
  static var acme: Self {
    Self(
      syntax: "{ options }", annotation: OptionContext.acme.className, show: { _ in "{}" },
      parse: { value, folder throws(ValueError) in
        guard case .table(let table) = value else { throw .expected("{ options }", value) }
        // Checked here, set over what an earlier statement has said.
        var options = ACMEOptions()
        try OptionSchema.setAll(
          of: table, in: .acme, by: OptionSchema.acme, folder: folder, to: &options)
        var setters: [OptionSetter<ACMEOptions>] = []
        for (name, value) in table.fields {
          guard let rule = OptionSchema.acme.first(where: { $0.name == name }) else { continue }
          setters.append(try rule.setter(for: value, folder: folder))
        }
        return { [setters] process in
          for setter in setters { setter(&process.acme) }
        }
      })
  }

  /// nginx: `user`; HAProxy: `user` and `group`.
  static var user: Self {
    Self(
      syntax: "false, a user, or \"user:group\"", annotation: "false|string",
      show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(false): return { $0.user = nil }
        case .string(let text) where isUser(text): return { $0.user = text }
        default: throw .expected("false, a user such as \"www-data\", or \"user:group\"", value)
        }
      })
  }

  /// Names as useradd accepts them, or numbers.
  private static func isUser(_ text: String) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count <= 2
      && parts.allSatisfy { name in
        (1...32).contains(name.utf8.count) && name.utf8.first != 0x2d
          && name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
              || byte == 0x2d || byte == 0x2e || byte == 0x5f
          }
      }
  }
}

extension OptionRule<ACMEOptions>.Special {
  /// Bytes of an address or a URL.
  static var longestText: Int { 512 }

  static var email: Self {
    Self(
      syntax: "false or an address", annotation: "false|string", show: { _ in "false" },
      parse: { value, _ throws(ValueError) in
        switch value {
        case .boolean(false): return { $0.email = nil }
        case .string(let text) where isEmail(text): return { $0.email = text }
        default: throw .expected("an address such as \"admin@example.com\"", value)
        }
      })
  }

  /// What can stand in a `mailto:` URL of one address: RFC 8555 7.3.
  private static func isEmail(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && text.utf8.count <= 254
      && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && !"\"\\,?&#<>".utf8.contains($0) }
      && isHostName(parts[1])
  }

  static var directory: Self {
    Self(
      syntax: "a URL with https", annotation: "string", show: { "\"\($0.directory)\"" },
      parse: { value, _ throws(ValueError) in
        guard case .string(let url) = value, url.hasPrefix("https://"),
          url.utf8.count <= longestText,
          url.utf8.allSatisfy({ (0x21...0x7e).contains($0) && !"\"\\#<>@".utf8.contains($0) }),
          isAuthority(String(url.dropFirst(8).prefix { $0 != "/" && $0 != "?" }))
        else { throw .expected("a URL such as \"https://acme.example/directory\"", value) }
        return { $0.directory = url }
      })
  }

  static var challenges: Self {
    let names = [ACMEChallenge.tlsALPN01, .http01].map { "\"\($0.rawValue)\"" }
    return Self(
      syntax: "\(names.joined(separator: ", ")), or a list of them, the preferred one first",
      annotation: "string|string[]", show: { _ in "{ \(names.joined(separator: ", ")) }" },
      parse: { value, _ throws(ValueError) in
        var challenges: [ACMEChallenge] = []
        for name in try value.strings("\(names.joined(separator: " or ")), or a list of them") {
          guard let challenge = ACMEChallenge(rawValue: name), !challenges.contains(challenge)
          else {
            let hint = suggestion(
              for: name, among: [ACMEChallenge.tlsALPN01.rawValue, ACMEChallenge.http01.rawValue])
            throw ValueError(
              "expected \(names.joined(separator: " or ")), each once, got \"\(name)\"\(hint)")
          }
          challenges.append(challenge)
        }
        guard !challenges.isEmpty else {
          throw ValueError("a list without a challenge proves none")
        }
        return { [challenges] in $0.challenges = challenges }
      })
  }

  static var folder: Self {
    Self(
      syntax: "the path of a folder", annotation: "string", show: { "\"\($0.folder)\"" },
      parse: { value, folder throws(ValueError) in
        guard case .string(let text) = value else { throw .expected("the path of a folder", value) }
        var path = try pathOfFile(text, folder)
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        return { [path] in $0.folder = path }
      })
  }
}
