// Fields that the configuration removes, sets and adds, in both directions.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import Testing

@testable import Proxy

/// A template that is right.
func template(_ text: String) -> FieldTemplate {
  guard let template = try? FieldTemplate(text) else { preconditionFailure("no template: \(text)") }
  return template
}

/// Changes to fields.
func changes(
  remove: [String] = [], set: [(String, String)] = [], add: [(String, String)] = []
) -> FieldChanges {
  var changes = FieldChanges()
  changes.remove = remove
  changes.set = set.map { .init(name: $0.0, value: template($0.1)) }
  changes.add = add.map { .init(name: $0.0, value: template($0.1)) }
  return changes
}

@Suite struct FieldChangeTests {
  private func head(_ fields: String, _ changes: FieldChanges) throws -> String? {
    try Rewriting("GET /a//b?q=1&r=2 HTTP/1.1\nHost: A.example:80\n\(fields)\n") {
      $0.requestFields = changes
    }.head()
  }

  private let start = "GET /a/b?q=1&r=2 HTTP/1.1\nHost: A.example:80\n"

  @Test func `fields are removed whatever their case`() throws {
    let head = try head(
      "X-One: 1\nUSER-agent: x\nx-ONE: 2\nAccept: y\n",
      changes(remove: ["x-one", "user-agent", "cookie"]))
    #expect(head == start + "Accept: y\n\n")
  }

  @Test func `what is set takes the place of what came, what is added stands beside it`() throws {
    let head = try head(
      "X-Set: 1\nX-Add: 1\nCookie: a=b\n",
      changes(set: [("X-Set", "2"), ("Cookie", "c")], add: [("X-Add", "2")]))
    #expect(head == start + "X-Add: 1\nX-Set: 2\nCookie: c\nX-Add: 2\n\n")
  }

  @Test(arguments: [
    ("$host $server_name", "a.example *"), ("$request_uri", "/a//b?q=1&r=2"), ("$uri", "/a/b"),
    ("$args$is_args", "q=1&r=2?"), ("$arg_r-$arg_x-", "2--"), ("$scheme", "http"),
    ("$request_method $server_protocol", "GET HTTP/1.1"), ("$remote_addr", "192.0.2.7"),
    ("$remote_port", "4711"), ("$http_x_one", "1, 2"), ("$cookie_b", "c=d"), ("a$$b", "a$b"),
    ("$proxy_host", "app"), ("$proxy_add_x_forwarded_for", "192.0.2.7"), ("-$status", "-"),
    ("$request_id", "00000000000000000000000000000000"),
  ])
  func `a variable is what the request says`(_ value: String, _ expected: String) throws {
    let fields = "X-One: 1\nX-One: 2\nCookie: a=b; b=c=d\n"
    let head = try head(fields, changes(set: [("A", value)]))
    #expect(head == start + fields + "A: \(expected)\n\n")
  }

  @Test func `a value that is empty sends no field and takes away what came`() throws {
    let head = try head("A: 1\n", changes(set: [("A", "$http_none")], add: [("B", "$arg_none")]))
    #expect(head == start + "\n")
  }

  @Test func `what frames and directs a message is not changed`() throws {
    let names = ["Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade"]
    let head = try head("", changes(remove: ["host"], set: names.map { ($0, "x") }))
    #expect(head == start + "\n")
  }

  @Test func `changes take the place of what rsp says itself`() throws {
    let head = try Rewriting("GET / HTTP/1.1\nHost: a\nX-Real-IP: 1\n\n") {
      $0.forwardedFields = true
      $0.requestID = true
      $0.requestFields = changes(
        remove: ["x-forwarded-host", "x-request-id"], set: [("X-Forwarded-Proto", "https")])
    }.head()
    #expect(
      head == """
        GET / HTTP/1.1
        Host: a
        X-Forwarded-For: 192.0.2.7
        X-Real-IP: 192.0.2.7
        X-Forwarded-Proto: https


        """)
  }

  @Test func `a head that variables make too large is given up`() throws {
    let long = "X-Long: \(String(repeating: "x", count: 8000))\n"
    let sixteen = String(repeating: "$http_x_long", count: 15)
    let fits = try head(long, changes(set: [("A", sixteen)]))
    #expect(fits?.utf8.count ?? 0 > 15 * 8000)
    let twice = changes(set: [("A", sixteen), ("B", sixteen)])
    #expect(try head(long, twice) == nil)
  }

  @Test func `responses are changed as well`() throws {
    let rewriting = try Rewriting("GET /a HTTP/1.1\nHost: a\n\n") {
      $0.responseFields = changes(
        remove: ["server", "x-powered-by"],
        set: [("X-Status", "$status $sent_http_x_a $uri")], add: [("Set-Cookie", "b")])
    }
    _ = try rewriting.head()
    let response = try rewriting.response(
      "HTTP/1.1 200 OK\nServer: s\nDate: d\nX-Powered-By: x\nX-A: 5\nSet-Cookie: a\n\n")
    #expect(
      response == """
        HTTP/1.1 200 OK
        Date: d
        X-A: 5
        Set-Cookie: a
        X-Status: 200 5 /a
        Set-Cookie: b


        """)
  }

  @Test func `a response that outgrows its block is given up`() throws {
    let rewriting = try Rewriting("GET /a HTTP/1.1\nHost: a\n\n") {
      $0.responseFields = changes(
        add: Array(repeating: ("A", String(repeating: "x", count: 8000)), count: 9))
    }
    #expect(try rewriting.response("HTTP/1.1 200 OK\nDate: d\n\n") == nil)
  }

  @Test(arguments: [
    ("/api/x?q", "/x?q"), ("/api", "/"), ("/api?q", "/?q"), ("/api/", "/"), ("/apiary", "/apiary"),
    ("/x/api/", "/x/api/"), ("//api//x", "/x"), ("/%61pi?q", "/?q"), ("/x/../api/y", "/y"),
  ])
  func `whole segments are taken off the path`(_ path: String, _ expected: String) throws {
    let rewriting = try Rewriting("GET \(path) HTTP/1.1\nHost: a\n\n")
    let target = try rewriting.connection.forwardTarget()
    for prefix in ["/api"] {
      switch rewriting.connection.strip(Array(prefix.utf8), of: target) {
      case .made(let made): #expect(String(decoding: made, as: UTF8.self) == expected)
      case .received(let range):
        #expect(rewriting.connection.input.withBytes { $0.string(range) } == expected)
      }
    }
  }
}
