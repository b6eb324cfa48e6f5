// Upstreams of many servers, and how they are chosen and kept healthy.
import Balancing
import Routing
import Testing

@testable import Configuration

@Suite struct `An upstream` {
  private func upstream(_ text: String) throws -> UpstreamConfiguration {
    try Configuration.load(text: valid + "upstream 'a' { \(text) }").upstreams[0]
  }

  private func refusal(_ text: String) -> String {
    let found = messages(valid + "upstream 'a' { \(text) }")
    #expect(found.count == 1, "\(found)")
    return found.first ?? ""
  }

  @Test func `has several servers with their weights, limits and roles`() throws {
    let found = try upstream(
      """
      "h:1", { "10.0.0.1:2", weight = 3 }, { "unix:/run/a", backup = true, max_connections = 9 },
      { "srv:_http._tcp.app.example", max_connections = "unlimited" }, max_connections = 5
      """)
    #expect(
      found.servers == [
        ServerConfiguration(address: .name(host: "h", port: 1), maxConnections: 5),
        ServerConfiguration(
          address: .ip(host: "10.0.0.1", port: 2), weight: 3, maxConnections: 5),
        ServerConfiguration(address: .unix(path: "/run/a"), isBackup: true, maxConnections: 9),
        ServerConfiguration(address: .service(name: "_http._tcp.app.example")),
      ])
  }

  @Test func `balances in the ways there are`() throws {
    for algorithm in Algorithm.allCases {
      let options = try upstream("'h:1', balance = '\(algorithm.rawValue)'").options
      #expect(options.balance == algorithm)
      #expect(options.sticky == (algorithm == .sticky ? StickyOptions() : nil))
    }
    #expect(refusal("'h:1', balance = 'randon'").contains(#"(did you mean "random"?)"#))
  }

  @Test func `hashes what it is told`() throws {
    let options = try upstream("'h:1', balance = 'hash', hash = '$cookie_a'").options
    #expect(options.hashKey == (try FieldTemplate("$cookie_a")))
    #expect(try upstream("'h:1', balance = 'hash'").options.hashKey == nil)
    #expect(refusal("'h:1', hash = '$cookie_a'").contains(#"hash needs balance = "hash" beside"#))
    #expect(refusal("'h:1', balance = 'hash', hash = 'a'").contains("holds no variable"))
    #expect(refusal("'h:1', balance = 'hash', hash = '$status'").contains("is not known yet"))
  }

  @Test func `is sticky by one word, or with options`() throws {
    let plain = try upstream("'h:1', sticky = true").options
    #expect(plain.balance == .sticky && plain.sticky == StickyOptions())
    let secret = "0123456789abcdef"
    let full = try upstream(
      """
      'h:1', balance = 'sticky',
      sticky = { cookie = 'c', secret = { '\(secret)', '\(secret)x' }, max_age = '24h', secure = true }
      """
    ).options.sticky
    var expected = StickyOptions()
    expected.cookie = "c"
    expected.secrets = [secret, secret + "x"]
    expected.maxAgeSeconds = 86_400
    expected.isSecure = true
    #expect(full == expected)
    let text = "defaults { sticky = true } upstream 'b' { 'h:1', sticky = false } " + valid
    let mixed = try Configuration.load(text: text).upstreams
    #expect(mixed.map(\.options.balance) == [.p2c, .sticky])
  }

  @Test func `with a sticky cookie that cannot be is refused`() {
    #expect(refusal("'h:1', balance = 'p2c', sticky = true").contains("cannot stand beside"))
    #expect(refusal("'h:1', sticky = { cookie = 'a b' }").contains("cookie: expected a cookie's"))
    #expect(refusal("'h:1', sticky = { max_age = '0s' }").contains("max_age: must be from 1s"))
    #expect(refusal("'h:1', sticky = { max_age = '8761h' }").contains("max_age: must be from 1s"))
    #expect(refusal("'h:1', sticky = { scure = true }").contains(#"(did you mean "secure"?)"#))
  }

  @Test func `has secrets of 16 to 1024 bytes, 8 at most, and never shows them`() throws {
    let secret = { (count: Int) in "'h:1', sticky = { secret = ('x'):rep(\(count)) }" }
    _ = try upstream(secret(16))
    _ = try upstream(secret(1024))
    for count in [15, 1025] {
      let found = refusal(secret(count))
      #expect(found.contains("a secret must have from 16 to 1024 bytes"))
      #expect(!found.contains("xxx"))
    }
    let list = { (count: Int) in
      "'h:1', sticky = { secret = { \(Array(repeating: "('x'):rep(16)", count: count).joined(separator: ",")) } }"
    }
    #expect(try upstream(list(8)).options.sticky?.secrets.count == 8)
    #expect(refusal(list(9)).contains("more than 8 secrets"))
  }

  @Test func `is checked by HTTP as it is told`() throws {
    #expect(try upstream("'h:1', health_check = true").options.healthCheck == HealthCheckOptions())
    #expect(try upstream("'h:1', health_check = false").options.healthCheck == nil)
    let check = try #require(
      try upstream(
        """
        'h:1', health_check = {
          path = "/health?full=1", method = "HEAD", host = "app.internal", status = { 200, "3xx", "204-205" },
          body = "up", interval = "2s", timeout = "500ms", rise = 1, fall = 5, port = 8081, type = "http",
        }
        """
      ).options.healthCheck)
    #expect(check.http.path == "/health?full=1")
    #expect(check.http.method == "HEAD")
    #expect(check.http.host == "app.internal")
    #expect(check.http.expectedStatus == [200...200, 204...205, 300...399])
    #expect(check.http.bodyPattern?.expression.pattern == "up")
    #expect(check.policy.interval == 2000 && check.policy.timeout == 500)
    #expect(check.policy.rise == 1 && check.policy.fall == 5)
    #expect(check.port == 8081)
  }

  @Test func `is checked by TCP, where nothing is asked`() throws {
    let check = try upstream("'h:1', health_check = { type = 'tcp', interval = 1 }").options
      .healthCheck
    #expect(check?.kind == .tcp)
    #expect(
      refusal("'h:1', health_check = { type = 'tcp', path = '/x' }").contains("only connects"))
  }

  @Test(arguments: [
    ("path = 'x'", "path: expected a path"), ("path = '/a b'", "path: expected a path"),
    (#"path = '/a\r\nX: y'"#, "path: expected a path"),
    ("path = '/' .. ('x'):rep(2048)", "path: expected a path"),
    ("method = 'get'", "method: expected a method"), ("host = 'a b'", "host: expected"),
    ("status = 99", "status: expected a status"), ("status = '6xx'", "status: expected a status"),
    ("status = '300-200'", "status: expected a status"), ("status = {}", "status: expected a stat"),
    ("status = '200-'", "status: expected a status"), ("status = ''", "status: expected a status"),
    ("body = '('", "body: \"(\": missing closing parenthesis"),
    ("type = 'udp'", "type: expected"), ("intervall = 1", #"(did you mean "interval"?)"#),
    ("weight = 1", "\"weight\" cannot stand here (it belongs in: server)"),
    ("'/health'", #""/health" stands without a name before it"#),
  ])
  func `with a check that cannot be is refused`(setting: String, expected: String) {
    let found = refusal("'h:1', health_check = { \(setting) }")
    #expect(
      found.contains(#"upstream "a": health_check: "#) && found.contains(expected), "\(found)")
  }

  @Test func `may ask for a path of 2048 bytes`() throws {
    _ = try upstream("'h:1', health_check = { path = '/' .. ('x'):rep(2047) }")
  }

  @Test func `tells all that is wrong in one table`() {
    let found = messages(valid + "upstream 'a' { 'h:1', health_check = { rise = 0, fall = 101 } }")
    #expect(
      found == [
        #"rsp.lua:1: upstream "a": health_check: fall: must be from 1 to 100, not 101"#,
        #"rsp.lua:1: upstream "a": health_check: rise: must be from 1 to 100, not 0"#,
      ])
  }

  @Test func `puts servers out by failures and by errors`() throws {
    let options = try upstream(
      """
      'h:1', max_failures = 5, eject_time = "5s", max_eject_time = "1m", slow_start = "30s",
      circuit_breaker = { errors = 30, window = "20s", requests = 7 }, queue = 3, queue_timeout = 1
      """
    ).options
    var expected = HealthPolicy()
    expected.failuresInRow = 5
    expected.firstEjection = 5000
    expected.longestEjection = 60_000
    expected.slowStart = 30_000
    expected.breaker = BreakerPolicy()
    expected.breaker?.errorPercent = 30
    expected.breaker?.window = 20_000
    expected.breaker?.minimumRequests = 7
    #expect(options.health == expected)
    #expect(options.queue == 3 && options.queueTimeoutMilliseconds == 1000)
  }

  @Test(arguments: [
    ("'h:1', 'h:1'", #"server "h:1" stands twice"#),
    ("'127.0.0.1:1', { '127.0.0.1:1', backup = true }", #"server "127.0.0.1:1" stands twice"#),
    ("{ 'h:1', 'h:2' }", "one address per server, found 2"),
    ("{ 'h:1', weight = 0 }", #"server "h:1": weight: must be from 1 to 256, not 0"#),
    ("{ 'h:1', weigth = 1 }", #"server "h:1": unknown option "weigth" (did you mean "weight"?)"#),
    ("{ weight = 1 }", "server: expected an address"),
  ])
  func `with a server that cannot be is refused`(text: String, expected: String) {
    #expect(refusal(text).contains(expected))
  }
}
