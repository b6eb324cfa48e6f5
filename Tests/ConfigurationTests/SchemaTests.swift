// The table of options against what the language does with it.
import Scripting
import Testing

@testable import Configuration

@Suite struct `Every option` {
  /// A configuration that sets something in one context.
  private func text(_ setting: String, in context: OptionContext) -> String {
    let place = { (here: OptionContext) in here == context ? setting : "" }
    let part = { (here: OptionContext) in
      here == context ? "\(here.rawValue) = { \(setting) }," : ""
    }
    let isPassthrough = setting.hasPrefix("passthrough")
    return """
      defaults { \(part(.acme)) \(place(.defaults)) }
      listen { "8443", tls = true }
      listen { "8000", \(place(.listener)) }
      upstream "postgres" { "127.0.0.1:5432" }
      upstream "secure" { "127.0.0.1:443" }
      upstream "app" { { "https://127.0.0.1", \(place(.server)) }, \(part(.healthCheck)) \
      \(part(.sticky)) \(part(.circuitBreaker)) \(place(.upstream)) }
      site "secure.example" { passthrough = "postgres", \(isPassthrough ? place(.site) : "") }
      site "*" { ["/"] = { proxy "app", \(place(.route)) }, \(isPassthrough ? "" : place(.site)) }
      """
  }

  /// What has to stand beside an option.
  private func companions(of name: String, in context: OptionContext) -> String {
    switch (name, context) {
    case ("hash", _): "balance = 'hash'"
    case ("client_verify", _): "client_ca = 'ca.pem', tls = true"
    case ("ciphers", .listener), ("client_ca", _), ("handshake_timeout", .listener),
      ("tls_min", .listener):
      "tls = true"
    case ("connect_timeout", .listener), ("tunnel_timeout", .listener): "tcp = 'postgres'"
    default: ""
    }
  }

  @Test func `is accepted with its example in its contexts and nowhere else`() {
    for option in OptionSchema.all {
      // The same name may mean different things in different places.
      let known = OptionSchema.all.filter { $0.name == option.name }.flatMap(\.contexts)
      for context in OptionContext.allCases {
        let set = "\(option.name) = \(option.example), \(companions(of: option.name, in: context))"
        let found = messages(text(set, in: context))
        if option.contexts.contains(context) {
          #expect(found == [], "\(option.name) in \(context)")
        } else if !known.contains(context) {
          #expect(
            found.contains { $0.contains("\"\(option.name)\" cannot stand here") },
            "\(option.name) in \(context)")
        }
      }
    }
  }

  @Test func `changes something with its example`() throws {
    for option in OptionSchema.all {
      for context in option.contexts {
        let companions = companions(of: option.name, in: context)
        let set = "\(option.name) = \(option.example), \(companions)"
        let base = try Configuration.load(
          text: text(option.name == "hash" ? "" : companions, in: context))
        #expect(
          try Configuration.load(text: text(set, in: context)) != base,
          "\(option.name) in \(context)")
      }
    }
  }

  @Test func `set to its documented default changes nothing`() throws {
    for option in OptionSchema.all {
      for context in option.contexts where option.name != "passthrough" {
        let base = companions(of: option.name, in: context)
        let set = "\(option.name) = \(option.builtIn), \(base)"
        #expect(
          try Configuration.load(text: text(set, in: context))
            == Configuration.load(text: text(base, in: context)), "\(option.name) in \(context)")
      }
    }
  }

  @Test func `of a wrong type is refused by name`() {
    for option in OptionSchema.all {
      for context in option.contexts {
        let companions = companions(of: option.name, in: context)
        let found = messages(text("\(option.name) = function() end, \(companions)", in: context))
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.hasPrefix("rsp.lua:") == true)
        #expect(found.first?.contains("\(option.name): expected ") == true, "\(found)")
      }
    }
  }

  @Test func `stands once in the table`() {
    let places = OptionSchema.all.flatMap { option in
      option.contexts.map { "\(option.name) in \($0)" }
    }
    #expect(Set(places).count == places.count)
    #expect(OptionSchema.planned.isDisjoint(with: OptionSchema.all.map(\.name)))
  }

  private func checkBounds<Options>(_ rules: [OptionRule<Options>]) {
    for rule in rules {
      let range: ClosedRange<Int>
      let value: (Int) -> LuaValue
      switch rule.kind {
      case .duration(_, let bounds):
        range = bounds
        value = { .string("\($0)ms") }
      case .size(_, let bounds, _), .rate(_, let bounds), .sizeOrUnlimited(_, let bounds),
        .count(_, let bounds), .countOrNone(_, let bounds, _):
        range = bounds
        value = { .number(Double($0)) }
      case .flag, .special: continue
      }
      for inside in [range.lowerBound, range.upperBound] {
        #expect(throws: Never.self, "\(rule.name) = \(inside)") {
          _ = try rule.setter(for: value(inside))
        }
      }
      for outside in [range.lowerBound - 1, range.upperBound + 1] {
        // 0 has a meaning of its own for some sizes.
        if case .size(_, _, orZero: true) = rule.kind, outside == 0 { continue }
        #expect(throws: ValueError.self, "\(rule.name) = \(outside)") {
          _ = try rule.setter(for: value(outside))
        }
      }
    }
  }

  @Test func `is held to its bounds on both sides`() {
    checkBounds(OptionSchema.route)
    checkBounds(OptionSchema.listener)
    checkBounds(OptionSchema.upstream)
    checkBounds(OptionSchema.process)
    checkBounds(OptionSchema.server)
    checkBounds(OptionSchema.sticky)
    checkBounds(OptionSchema.healthCheck)
    checkBounds(OptionSchema.circuitBreaker)
    checkBounds(OptionSchema.site)
    checkBounds(OptionSchema.acme)
  }
}

@Suite struct `The option` {
  private func options(_ setting: String) throws -> RouteOptions {
    let text = "listen '1' site '*' { ['/'] = { proxy 'h:1', \(setting) } }"
    return try Configuration.load(text: text).sites[0].routes[0].options
  }

  @Test func `buffering may be 0 or 64k to 16m`() throws {
    #expect(try options("buffering = 0").buffering == 0)
    #expect(try options("buffering = '64k'").buffering == 65_536)
    #expect(throws: ConfigurationError.self) { try options("buffering = 65535") }
    #expect(throws: ConfigurationError.self) { try options("buffering = 1") }
  }

  @Test func `max_body may be unlimited but not 0`() throws {
    #expect(try options("max_body = 'unlimited'").maxBody == nil)
    #expect(try options("max_body = '1k'").maxBody == 1024)
    let error = #expect(throws: ConfigurationError.self) { try options("max_body = 0") }
    #expect(error?.messages[0].contains(#"(write "unlimited" for none)"#) == true)
  }

  @Test(arguments: [
    ("'client'", HostPolicy.client), ("'server'", .server),
    ("'app.internal:8080'", .fixed("app.internal:8080")), ("'[::1]:80'", .fixed("[::1]:80")),
    ("'[::1]'", .fixed("[::1]")), ("'10.0.0.1'", .fixed("10.0.0.1")),
  ])
  func `host is the client's, the server's or a fixed one`(
    value: String, expected: HostPolicy
  ) throws {
    #expect(try options("host = \(value)").host == expected)
  }

  @Test(arguments: [
    "''", "'a b'", #"'a\r\nb'"#, "'a/b'", "'http://h'", "'unix:/a'", "'h:0'", "':80'", "true",
  ])
  func `host is nothing that could break a head`(value: String) {
    #expect(throws: ConfigurationError.self) { try options("host = \(value)") }
  }

  @Test func `via is off, rsp or a pseudonym`() throws {
    #expect(try options("via = false").via == nil)
    #expect(try options("via = true").via == "rsp")
    #expect(try options("via = 'edge-1'").via == "edge-1")
    #expect(throws: ConfigurationError.self) { try options("via = 'a b'") }
    #expect(throws: ConfigurationError.self) { try options("via = ''") }
    #expect(throws: ConfigurationError.self) { try options(#"via = 'a\n'"#) }
  }

  @Test func `max_line is never more than max_head`() throws {
    let text = "listen { '1', max_head = '4k' } site '*' { ['/'] = proxy 'h:1' }"
    let listener = try Configuration.load(text: text).listeners[0]
    #expect(listener.options.maxLine == 4096)
  }
}
