// The options of upstreams whose values are neither a number nor a flag: how a server is chosen.
import Balancing
import Routing
import Scripting

extension OptionRule<UpstreamOptions>.Special {
  static var balance: Self {
    let names = Algorithm.allCases.map { "\"\($0.rawValue)\"" }
    return Self(
      syntax: names.joined(separator: ", "), annotation: names.joined(separator: "|"),
      show: { "\"\($0.balance.rawValue)\"" },
      parse: { value, _ throws(ValueError) in
        guard case .string(let name) = value, let algorithm = Algorithm(rawValue: name) else {
          var hint = ""
          if case .string(let name) = value {
            hint = suggestion(for: name, among: Algorithm.allCases.map(\.rawValue))
          }
          let error = ValueError.expected("one of \(names.joined(separator: ", "))", value)
          throw ValueError(error.message + hint)
        }
        return { options in
          options.balance = algorithm
          options.sticky = algorithm == .sticky ? options.sticky ?? StickyOptions() : nil
        }
      })
  }

  /// The client's address is what is hashed without a key, so that key is none.
  static var hash: Self {
    Self(
      syntax: "text with variables", annotation: "string", show: { _ in "\"$remote_addr\"" },
      parse: { value, _ throws(ValueError) in
        guard case .string(let text) = value, !text.isEmpty else {
          throw .expected("text with variables such as \"$cookie_session\"", value)
        }
        let template = try FieldSide.request.template(value)
        guard !template.isConstant else {
          throw ValueError("\"\(text)\" holds no variable, so that all would go to one server")
        }
        return { $0.hashKey = text == "$remote_addr" ? nil : template }
      })
  }

  static var sticky: Self {
    part(
      .sticky, { OptionSchema.sticky }, initial: StickyOptions(), get: { $0.sticky },
      set: { options, sticky in
        options.sticky = sticky
        if sticky != nil {
          options.balance = .sticky
        } else if options.balance == .sticky {
          options.balance = .p2c
        }
      })
  }

  static var healthCheck: Self {
    part(
      .healthCheck, { OptionSchema.healthCheck }, initial: HealthCheckOptions(),
      get: { $0.healthCheck }, set: { $0.healthCheck = $1 },
      check: { table, check throws(ValueError) in
        guard check.kind == .tcp else { return }
        for name in ["path", "method", "host", "status", "body"] where table[name] != nil {
          throw ValueError("\(name): a check of type \"tcp\" only connects")
        }
      })
  }

  static var circuitBreaker: Self {
    part(
      .circuitBreaker, { OptionSchema.circuitBreaker }, initial: BreakerPolicy(),
      get: { $0.health.breaker }, set: { $0.health.breaker = $1 })
  }
}

extension OptionRule<StickyOptions>.Special {
  /// Bytes of a secret, and how many there may be while one replaces another.
  static var secretBytes: ClosedRange<Int> { 16...1024 }
  static var mostSecrets: Int { 8 }

  static var cookie: Self {
    Self(
      syntax: "a cookie's name", annotation: "string", show: { "\"\($0.cookie)\"" },
      parse: { value, _ throws(ValueError) in
        guard case .string(let name) = value, isToken(name), name.utf8.count <= 64 else {
          throw .expected("a cookie's name (letters, digits, - and _)", value)
        }
        return { $0.cookie = name }
      })
  }

  static var secret: Self {
    Self(
      syntax: "a string of 16 bytes or more, or a list of them", annotation: "string|string[]",
      show: { _ in "{}" },
      parse: { value, _ throws(ValueError) in
        // Never shown: messages end up in logs.
        guard let secrets = try? value.strings("") else {
          throw ValueError("expected a string or a list of strings, got \(value.typeDescription)")
        }
        guard secrets.count <= mostSecrets else {
          throw ValueError("more than \(mostSecrets) secrets")
        }
        guard secrets.allSatisfy({ secretBytes.contains($0.utf8.count) }) else {
          throw ValueError(
            "a secret must have from \(secretBytes.lowerBound) to \(secretBytes.upperBound) bytes")
        }
        return { $0.secrets = secrets }
      })
  }

  static var maxAge: Self {
    let longest = 31_536_000
    return Self(
      syntax: "duration, 1s to 8760h, or \"session\"", annotation: "string|number",
      show: { $0.maxAgeSeconds.map { "\"\($0)s\"" } ?? "\"session\"" },
      parse: { value, _ throws(ValueError) in
        if case .string("session") = value { return { $0.maxAgeSeconds = nil } }
        let seconds = try Unit.milliseconds.parse(value) / 1000
        guard (1...longest).contains(seconds) else {
          throw ValueError(
            "must be from 1s to 8760h, not \(Unit.milliseconds.format(seconds * 1000))")
        }
        return { $0.maxAgeSeconds = seconds }
      })
  }
}
