// Where `rsp explain` says that a request comes in.
import Configuration
import Testing

@testable import Supervision

@Suite struct ExplainedListenerTests {
  @Test(arguments: [
    ("http://a.example/", "80 or 8080"), ("a.example/x:y", "80 or 443 or 8080"),
    ("http://a.example:8080/", "8080"), ("http://[::1]:80/", "80"), ("http://[::1]/", "80 or 8080"),
    ("HTTPS://a.example/", "443"), ("/path", "80 or 443 or 8080"),
    ("http://a.example:81/", "none: nothing listens for this"),
    ("https://a.example:80/", "none: nothing listens for this"),
    ("http://a.example:5432/", "none: nothing listens for this"),
    ("http://a.example:65536/", "80 or 8080"),
  ])
  func `a URL comes to the listeners that its scheme and port fit`(
    _ url: String, _ expected: String
  ) {
    var secure = ListenerOptions()
    secure.tls = ListenerTLS()
    let configuration = Configuration(
      listeners: [
        ListenerConfiguration(address: .any(port: 80)),
        ListenerConfiguration(address: .any(port: 443), options: secure),
        ListenerConfiguration(address: .any(port: 8080)),
        ListenerConfiguration(address: .any(port: 5432), service: .tcp(upstream: 0)),
      ], upstreams: [], sites: [])
    #expect(configuration.listener(for: url) == expected)
  }
}
