// Which names `certificates = "auto"` is about.
import Testing

@testable import Configuration

struct AutomaticCertificateTests {
  private func names(_ source: String) throws -> [String] {
    try Configuration.load(text: source).automaticNames
  }

  @Test func `certificates are got for the exact names of sites that are decrypted, each once`()
    throws
  {
    let names = try names(
      """
      listen { "443", certificates = "auto" }
      listen { "8443", certificates = "auto" }
      upstream "bank" { "10.0.0.1:443" }
      site "B.example a.example" { ["/"] = respond(200) }
      site "10.0.0.1 *" { ["/"] = respond(200) }
      site "bank.example" { passthrough = "bank" }
      """)
    #expect(names == ["b.example", "a.example"])
  }

  @Test func `none are got without a listener that asks for them`() throws {
    #expect(try names(#"listen "80" site "a.example" { ["/"] = respond(200) }"#) == [])
  }

  @Test func `a wildcard needs another source`() throws {
    func load(_ certificates: String) throws {
      _ = try Configuration.load(
        text: """
          listen { "443", certificates = \(certificates) }
          site "a.example" { ["/"] = respond(200) }
          site "*.example" { ["/"] = respond(200) }
          """)
    }
    let error = try #require(throws: ConfigurationError.self) { try load("\"auto\"") }
    #expect(error.messages.count == 1)
    #expect(error.messages[0].hasPrefix("rsp.lua:3: site \"*.example\": "))
    #expect(error.messages[0].contains("dns-01"))
    try load(#"{ "auto", "wildcard.pem" }"#)
  }
}
