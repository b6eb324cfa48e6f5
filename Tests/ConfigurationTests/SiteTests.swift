// Sites, their names and routes, and how functions are numbered.
import Routing
import Scripting
import Testing

@testable import Configuration

@Suite struct `A site` {
  private func sites(_ text: String) throws -> [SiteConfiguration] {
    try Configuration.load(text: "listen '80' " + text).sites
  }

  @Test func `has one or several names, with blanks between them, and keeps its line`() throws {
    let found = try sites(
      "\nsite 'A.example *.b.example\\n c.example' { ['/'] = proxy 'h:1' }"
        + "\nsite '*' { ['/'] = proxy 'h:1' }")
    #expect(
      found.map(\.names) == [
        [
          try HostName("a.example"), try HostName("*.b.example"), try HostName("c.example"),
        ], [.any],
      ])
    #expect(found.map(\.line) == [2, 3])
  }

  @Test func `has routes by exact path, prefix and expression`() throws {
    let site = try sites(
      """
      site "*" {
        ["= /ping"] = proxy "h:1", ["/api/"] = { proxy "h:2", retries = 1 }, ["~* ^/U/"] = proxy "h:3",
      }
      """)[0]
    #expect(Set(site.routes.map(\.pattern.description)) == ["= /ping", "/api/", "~* ^/U/"])
    #expect(site.routes.first { $0.pattern == .prefix(Array("/api/".utf8)) }?.options.retries == 1)
  }

  @Test func `tries expressions as they are listed, then the longest keys first`() throws {
    let site = try sites(
      """
      site "*" {
        ["~ ^/b"] = proxy "h:1", ["~ ^/a"] = proxy "h:1", ["~ ^/longer"] = proxy "h:1",
        { "~ z", proxy "h:1" }, { "~ ^/first", proxy "h:1", retries = 0 },
      }
      """)[0]
    #expect(
      site.routes.map(\.pattern.description) == [
        "~ z", "~ ^/first", "~ ^/longer", "~ ^/a", "~ ^/b",
      ])
    #expect(site.routes.map(\.options.retries) == [2, 0, 2, 2, 2])
  }

  @Test func `shares its options with those that say the same`() throws {
    let found = try sites(
      """
      for i = 1, 3 do site("a" .. i .. ".example") { ["/"] = proxy "h:1" } end
      for i = 1, 3 do site("b" .. i .. ".example") { ["/"] = { proxy "h:1", retries = 1 } } end
      """)
    #expect(Set(found[..<3].map { ObjectIdentifier($0.routes[0].settings) }).count == 1)
    #expect(Set(found[3...].map { ObjectIdentifier($0.routes[0].settings) }).count == 1)
    #expect(found.map(\.routes[0].options.retries) == [2, 2, 2, 1, 1, 1])
  }

  @Test(arguments: [
    (
      "site 'a b' { ['/'] = proxy 'h:1' } site 'c B' { ['/'] = proxy 'h:1' }",
      #"site "c B": "B" is already a name of the site at rsp.lua:1"#
    ),
    (
      "site 'a' { ['/'] = proxy 'h:1' } site 'a.' { ['/'] = proxy 'h:1' }",
      #"site "a." is already defined at rsp.lua:1"#
    ),
    ("site 'a b a' { ['/'] = proxy 'h:1' }", #"site "a b a": "a" stands twice here"#),
    ("site ' ' { ['/'] = proxy 'h:1' }", #"site " ": the name is empty"#),
    ("site 'a..b' { ['/'] = proxy 'h:1' }", #"site "a..b": nothing stands before, after or"#),
    ("site 'a b:80' { ['/'] = proxy 'h:1' }", #"site "a b:80": "b:80": a site's name has no port"#),
    ("site 'a' { ['/x?y'] = proxy 'h:1' }", #"site "a": route "/x?y": a route is chosen by"#),
    ("site 'a' { ['/a/../b'] = proxy 'h:1' }", #"route "/a/../b": can never match"#),
    ("site 'a' { ['~ ('] = proxy 'h:1' }", #"site "a": route "~ (": missing closing parenthesis"#),
    (
      "site 'a' { ['= /a'] = proxy 'h:1', ['=/a'] = proxy 'h:1' }",
      #"site "a": route "=/a", which is the same as "= /a", stands twice"#
    ),
    (
      "site 'a' { { '/a', proxy 'h:1' }, ['/a'] = proxy 'h:1' }",
      #"site "a": route "/a" stands twice"#
    ),
    (
      "site 'a' { { '/a' } }",
      #"route "/a": expected an action such as proxy "NAME", or a function,"#
    ),
    ("site 'a' { { 'x', proxy 'h:1' } }", #"site "a": route "x": a route is "/prefix""#),
  ])
  func `with a mistake is refused with its reason`(text: String, expected: String) {
    let found = messages("listen '80' " + text)
    #expect(found.count == 1, "\(found)")
    #expect(found[0].hasPrefix("rsp.lua:1: ") && found[0].contains(expected), "\(found)")
  }
}

@Suite struct `A function as a route` {
  private let text = """
    listen '80'
    local function f() end
    site 'b.example' { ['~ z'] = f, ['/b'] = { f, retries = 7 }, ['/a'] = proxy 'h:1' }
    site 'a.example' { ['/'] = f, { '~ y', f } }
    """

  @Test func `has the number of its place: sites in order, then the routes' texts`() throws {
    let configuration = try Configuration.load(text: text, name: "f.lua", folder: "/tmp")
    let found = configuration.sites.map { site in
      Dictionary(
        uniqueKeysWithValues: site.routes.map { ($0.pattern.description, $0.action) })
    }
    #expect(
      found == [
        ["/a": .proxy(upstream: 0), "/b": .function(0), "~ z": .function(1)],
        ["/": .function(2), "~ y": .function(3)],
      ])
    #expect(
      configuration.sites[0].routes.first { $0.action == .function(0) }?.options.retries == 7)
    #expect(
      configuration.program
        == Program(name: "f.lua", source: Array(text.utf8), folder: "/tmp"))
  }

  @Test func `leaves no program behind where there is none`() throws {
    #expect(try Configuration.load(text: valid).program == nil)
  }

  @Test func `is found again when the program is run again`() throws {
    let program = try #require(try Configuration.load(text: text).program)
    let declarations = Declarations(program: program, keepingFunctions: true)
    let lua = try LuaState()
    try declarations.run(in: lua)
    #expect(declarations.mistakes.isEmpty)
    #expect(declarations.functions.map(\.route) == ["/b", "~ z", "/", "~ y"])
    #expect(
      declarations.functions.map(\.site) == ["b.example", "b.example", "a.example", "a.example"])
    for function in declarations.functions {
      lua.stack.push(try #require(function.reference))
      #expect(lua.stack.type(at: -1) == .function)
    }
  }

  @Test(arguments: ["proxy", "respond", "{ redirect }", "string.rep"])
  func `is not a function of the language`(route: String) {
    #expect(
      messages("listen '1' site '*' { ['/'] = \(route) }") == [
        "rsp.lua:1: site \"*\": route \"/\": a function of the language stands here uncalled "
          + "(write proxy \"NAME\")"
      ])
  }
}
