// What is refused, and in which words.
import Testing

@testable import Configuration

@Suite struct `A mistake in a configuration` {
  @Test func `is reported with all others, by line`() {
    let found = messages(
      """
      listen "8000"
      site "*" {
        ["/"] = { proxy "ap",
                  retries = 99, raed_timeout = 3 }
      }
      upstream "app" { "127.0.0.1:8080", ballance = "random" }
      defaults { connect_timeout = "soon" }
      """)
    let duration = #"a duration such as "250ms", "3s", "5m" or "1h", or seconds"#
    #expect(
      found == [
        #"rsp.lua:3: site "*": route "/": unknown option "raed_timeout" (did you mean "read_timeout"?)"#,
        #"rsp.lua:3: site "*": route "/": retries: must be from 0 to 10, not 99"#,
        #"rsp.lua:3: proxy "ap": no upstream has this name (did you mean "app"?)"#,
        #"rsp.lua:6: upstream "app": unknown option "ballance" (did you mean "balance"?)"#,
        #"rsp.lua:7: defaults: connect_timeout: expected \#(duration), got "soon""#,
      ])
  }

  @Test(arguments: [
    (#"site "*" { ["/"] = proxy "h:1", access = function() end }"#, #"option "access" is not"#)
  ])
  func `says so when it is of a later version`(text: String, expected: String) {
    #expect(messages(text).contains { $0.hasPrefix("rsp.lua:1: ") && $0.contains(expected) })
  }

  @Test(arguments: [
    ("workers(0)", "workers: must be from 1 to 1024, not 0"),
    ("workers(1025)", "workers: must be from 1 to 1024, not 1025"),
    ("workers(1.5)", "workers: expected a whole number, got 1.5"),
    ("workers '2'", #"workers: expected a whole number, got "2""#),
    ("workers(1) workers(1)", "workers: already set at rsp.lua:1"),
    ("defaults(3)", "defaults: expected { options }, got 3"),
    ("defaults { 'retries' }", #"defaults: "retries" stands without a name before it"#),
    ("defaults { [2] = 1 }", "defaults: unexpected key [2]"),
    ("log { levle = 'info' }", #"log: unknown option "levle" (did you mean "level"?)"#),
    ("log { level = 'loud' }", #"one of "debug", "info", "warning", "error", got "loud""#),
    ("listen {}", #"listen: expected an address such as "8000", got nil"#),
    ("listen 'x'", #"listen "x": the address has no port (write "host:port")"#),
    ("listen '0'", #"listen "0": the address has no valid port: "0" is not a number"#),
    ("listen { '1', '2' }", #"listen "1": one address per statement, found 2"#),
    ("listen '1' listen ':1'", #"listen ":1": already listening there since rsp.lua:1"#),
    ("listen { '1', retries = 1 }", #""retries" cannot stand here (it belongs in: route, site,"#),
    ("upstream 'a' {}", #"upstream "a": no server"#),
    ("upstream 'a' { 8080 }", "expected an address such as"),
    ("upstream 'a' { '8080' }", #"server "8080" has no host (write "127.0.0.1:8080")"#),
    ("upstream 'a:1' { 'h:1' }", "a name must not be empty or contain blanks"),
    ("upstream 'a' { 'h:1' } upstream 'a' { 'h:1' }", "is already defined at rsp.lua:1"),
    ("upstream 'a'", #"upstream "a": the { ... } after the name is missing"#),
    ("upstream { 'h:1' }", "upstream: expected a name, got a table"),
    ("site '*' {}", #"site "*": no route (write ["/"] = proxy "NAME")"#),
    ("site '*' { proxy 'h:1' }", #"an action stands without a path before it (write ["/"]"#),
    (
      "site '*' { ['/'] = 'app' }",
      #"expected an action such as proxy "NAME", or a function, got "app""#
    ),
    ("site '*' { ['/'] = { proxy 'h:1', proxy 'h:1' } }", "one action per route, found 2"),
    ("site '*' 'x'", #"site "*": expected { routes and options }, got "x""#),
    ("local p = proxy { 'h:1' }", "proxy: expected the name of an upstream or an address, got"),
    ("site '*' { ['/'] = proxy 'h:' }", #"proxy "h:": the address has no valid port"#),
    ("site '*' { ['/'] = proxy 'gone' }", #"proxy "gone": no upstream has this name"#),
  ])
  func `is refused with its line and a reason`(text: String, expected: String) {
    let found = messages(text)
    #expect(found.contains { $0.hasPrefix("rsp.lua:1: ") && $0.contains(expected) }, "\(found)")
  }

  @Test func `of a site defined twice names the first`() {
    let found = messages(valid + "\nsite '*' { ['/'] = proxy 'h:1' }")
    #expect(found == [#"rsp.lua:2: site "*" is already defined at rsp.lua:1"#])
  }

  @Test func `of the whole file stands without a line`() {
    #expect(
      messages("") == [
        #"rsp.lua: nothing to listen on (write listen "8000")"#,
        #"rsp.lua: no site (write site "*" { ["/"] = proxy "HOST:PORT" })"#,
      ])
    #expect(
      messages("listenPort = 8000") == [
        "rsp.lua: backendAddress is not set", "rsp.lua: backendPort is not set",
      ])
    #expect(
      messages(valid + "listenPort = 8000")[0].contains("cannot be mixed with listen, upstream"))
    #expect(
      messages("listenPort = {} backendAddress = 'h' backendPort = 1") == [
        "rsp.lua: listenPort: expected a string or a whole number, got a table"
      ])
  }

  @Test func `of Lua is Lua's message, after those that were found before`() {
    #expect(messages("\n\nlisten = = 3") == ["rsp.lua:3: unexpected symbol near '='"])
    #expect(
      messages("workers(0)\nnothing.here = 1") == [
        "rsp.lua:1: workers: must be from 1 to 1024, not 0",
        "rsp.lua:2: attempt to index global 'nothing' (a nil value)",
      ])
  }

  @Test func `of too many sites for one file says what to do`() {
    let found = messages(
      (0...65_536).map { "site 'h\($0)' {}" }.joined(separator: "\n"))
    #expect(found.count == 1)
    #expect(
      found.first?.hasSuffix(#"constants (split the file and write include "sites/*.lua")"#) == true
    )
  }

  @Test func `in a statement's name gets a suggestion`() {
    #expect(
      messages("upstrem 'app' {}") == [
        #"rsp.lua:1: attempt to call global 'upstrem' (a nil value) (did you mean "upstream"?)"#
      ])
    for (text, meant) in [
      ("lsten '80'", "listen"), ("site '*' { ['/'] = prxy 'a' }", "proxy"), ("acmee {}", "acme"),
      ("backend 'a' { 'h:1' }", "upstream"), ("server { 'a' }", "site"), ("Listen {}", "listen"),
    ] {
      #expect(messages(text).first?.hasSuffix("(did you mean \"\(meant)\"?)") == true, "\(text)")
    }
    let found = messages("frobnicate 'x'")
    #expect(found.count == 1)
    #expect(
      found.first?.hasPrefix(
        "rsp.lua:1: attempt to call global 'frobnicate' (a nil value) (the statements are: acme, ")
        == true)
  }

  @Test(arguments: [
    ("0", "h", "1", #"listenPort: "0" has no valid port: "0" is not a number from 1 to 65535"#),
    ("65536", "h", "1", #"listenPort: "65536" has no valid port"#),
    ("1", "", "1", #"backendAddress, backendPort: ":1" is not an address"#),
    ("1", "a b", "1", #""a b:1" is not an address"#),
    ("1", "h", "http", #""http" is not a number from 1 to 65535"#),
  ])
  func `on the command line is refused`(
    listen: String, address: String, port: String, expected: String
  ) {
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration.direct(
        listenPort: listen, backendAddress: address, backendPort: port)
    }
    #expect(error?.messages.count == 1)
    #expect(error?.messages[0].contains(expected) == true, "\(error?.messages ?? [])")
  }
}
