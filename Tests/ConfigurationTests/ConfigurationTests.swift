// What a configuration file means: statements, the short form, and the command line.
import Routing
import Testing

@testable import Configuration

/// The messages of a configuration that must be refused.
func messages(_ text: String) -> [String] {
  do {
    _ = try Configuration.load(text: text)
    return []
  } catch {
    return error.messages
  }
}

/// The part of a configuration that is right, for tests of the rest.
let valid = "listen '8000' site '*' { ['/'] = proxy '127.0.0.1:8888' } "

@Suite struct `A configuration` {
  private let three = Configuration(
    listeners: [ListenerConfiguration(address: .any(port: 8000))],
    upstreams: [
      UpstreamConfiguration(
        name: "default",
        servers: [ServerConfiguration(address: .ip(host: "127.0.0.1", port: 8888))])
    ],
    sites: [
      SiteConfiguration(
        names: [.any],
        routes: [RouteConfiguration(pattern: .prefix([0x2f]), action: .proxy(upstream: 0))])
    ])

  @Test(arguments: [
    "listenPort = '8000' backendAddress = '127.0.0.1' backendPort = '8888'",
    "listenPort = 8000 backendAddress = '127.0.0.1' backendPort = 8888",
  ])
  func `of three globals is a listener, an upstream and a site`(text: String) throws {
    #expect(try Configuration.load(text: text) == three)
  }

  @Test func `from the command line is the same as of three globals`() throws {
    let direct = try Configuration.direct(
      listenPort: "8000", backendAddress: "127.0.0.1", backendPort: "8888")
    #expect(direct == three)
  }

  @Test func `of three globals is the same as its statements, but for the line`() throws {
    var configuration = try Configuration.load(
      text: """
        listen "8000"
        upstream "default" { "127.0.0.1:8888" }
        site "*" { ["/"] = proxy "default" }
        """)
    #expect(configuration.listeners[0].line == 1)
    configuration.listeners[0].line = 0
    #expect(configuration.sites[0].line == 3)
    configuration.sites[0].line = 0
    #expect(configuration == three)
  }

  @Test func `may be written with loops, functions, variables and parentheses`() throws {
    let configuration = try Configuration.load(
      text: """
        for port = 8000, 8002 do listen(port) end
        local function group(name, host) upstream(name, { host .. ":80" }) end
        group("a", "a.example"); group("b", "B.Example")
        site("*")({ ["/"] = proxy("b") })
        workers(3)
        """)
    #expect(configuration.listeners.map(\.address.description) == ["8000", "8001", "8002"])
    #expect(configuration.upstreams.map(\.name) == ["a", "b"])
    #expect(
      configuration.upstreams[1].servers[0].address == .name(host: "b.example", port: 80))
    #expect(configuration.sites[0].routes[0].action == .proxy(upstream: 1))
    #expect(configuration.workers == 3)
  }

  @Test func `may use a site before the upstream it names`() throws {
    let configuration = try Configuration.load(
      text: "listen '80' site '*' { ['/'] = proxy 'late' } upstream 'late' { 'h:1' }")
    #expect(configuration.sites[0].routes[0].action == .proxy(upstream: 0))
  }

  @Test func `makes an upstream of an address given to proxy`() throws {
    let configuration = try Configuration.load(
      text: "defaults { max_idle = 5 } listen '80' site '*' { ['/'] = proxy 'unix:/run/app' }")
    #expect(configuration.upstreams.map(\.name) == ["unix:/run/app"])
    #expect(configuration.upstreams[0].servers[0].address == .unix(path: "/run/app"))
    #expect(configuration.upstreams[0].options.maxIdle == 5)
  }

  @Test func `sets the log level by log and by defaults, the later one wins`() throws {
    let by = { (text: String) in try Configuration.load(text: valid + text).process.logLevel }
    #expect(try by("") == .info)
    #expect(try by("log { level = 'debug' }") == .debug)
    #expect(try by("log { level = 'debug' } defaults { log_level = 'error' }") == .error)
  }
}

@Suite struct `The cascade` {
  private func options(_ text: String) throws -> RouteOptions {
    try Configuration.load(text: "listen '80' " + text).sites[0].routes[0].options
  }

  @Test func `prefers route to site to defaults to built-in, wherever defaults stands`() throws {
    let all = try options(
      """
      site "*" {
        ["/"] = { proxy "h:1", connect_timeout = "1s" },
        connect_timeout = "2s", read_timeout = "2s",
      }
      defaults { connect_timeout = "4s", read_timeout = "4s", write_timeout = "4s" }
      """)
    #expect(all.connectTimeoutMilliseconds == 1000)
    #expect(all.readTimeoutMilliseconds == 2000)
    #expect(all.writeTimeoutMilliseconds == 4000)
    #expect(all.bodyTimeoutMilliseconds == 30_000)
  }

  @Test func `lets a route take back what defaults set`() throws {
    let all = try options(
      """
      defaults { max_body = "1m", via = true, host = "server", retries = 0 }
      site "*" { ["/"] = { proxy "h:1", max_body = "unlimited", via = false, host = "client" } }
      """)
    var expected = RouteOptions()
    expected.retries = 0
    #expect(all == expected)
  }

  @Test func `reaches listeners, upstreams and the process`() throws {
    let configuration = try Configuration.load(
      text: """
        defaults { head_timeout = 1, idle_timeout = 1, drain_timeout = 0, max_connections = 9 }
        defaults { head_timeout = 2 }
        listen { "80", max_head = "16k" }
        listen { "81", head_timeout = 3 }
        upstream "a" { "h:1", max_idle = 0 }
        site "*" { ["/"] = proxy "a" }
        """)
    #expect(configuration.listeners.map(\.options.headTimeoutMilliseconds) == [2000, 3000])
    #expect(configuration.listeners.map(\.options.maxHead) == [16_384, 32_768])
    #expect(configuration.upstreams[0].options.maxIdle == 0)
    #expect(configuration.upstreams[0].options.idleTimeoutMilliseconds == 1000)
    #expect(configuration.process.drainTimeoutMilliseconds == 0)
    #expect(configuration.process.maxConnections == 9)
  }
}
