// Values with variables: their syntax, their rendering, and what must not get into a field.
import Bytes
import Testing

@testable import Routing

@Suite struct FieldTemplateTests {
  /// Renders with `<variable name>` for each value.
  private func render(_ text: String, _ values: [TemplateVariable: String]? = nil) throws -> String?
  {
    let template = try FieldTemplate(text)
    var buffer = BufferPool().borrow(.small)
    let outcome = template.render(into: &buffer) { variable, name, buffer in
      if let values {
        buffer.append(values[variable] ?? "")
      } else {
        buffer.append("<\(variable)")
        if name.byteCount > 0 {
          buffer.append(" ")
          buffer.append(name)
        }
        buffer.append(">")
      }
      return true
    }
    guard outcome == .rendered else {
      let left = buffer.count
      #expect(left == 0)
      return nil
    }
    return String(
      decoding: (0..<buffer.count).map { buffer.bytes.octet($0) }, as: UTF8.self)
  }

  @Test(arguments: [
    ("", ""), ("plain", "plain"), ("ä\t", "ä\t"), ("$$", "$"), ("a$$b$$$$", "a$b$$"),
    ("$host", "<host>"), ("${host}", "<host>"), ("${host}name", "<host>name"),
    ("$remote_addr", "<remoteAddress>"), ("$client_address", "<remoteAddress>"),
    ("$scheme://$host$request_uri", "<scheme>://<host><requestURI>"),
    ("$http_User_Agent", "<field user-agent>"), ("$http_x", "<field x>"),
    ("$sent_http_etag", "<responseField etag>"),
    ("$arg_Page-x", "<argument Page>-x"), ("$cookie_sid;", "<cookie sid>;"),
    ("$1/$2", "<group 1>/<group 2>"), ("$10", "<group 1>0"), ("${9}9", "<group 9>9"),
    ("$$host", "$host"), ("$$$host", "$<host>"), ("{$host}", "{<host>}"),
  ])
  func `variables stand between literals`(text: String, rendered: String) throws {
    #expect(try render(text) == rendered)
  }

  @Test(arguments: [
    ("$", TemplateError.loneDollar(column: 1)), ("a $ b", .loneDollar(column: 3)),
    ("$-", .loneDollar(column: 1)), ("$0", .loneDollar(column: 1)), ("${}", .loneDollar(column: 1)),
    ("${host", .unclosedBrace(column: 1)), ("ab${", .unclosedBrace(column: 3)),
    ("${ho st}", .unclosedBrace(column: 1)), ("${12}", .unclosedBrace(column: 1)),
    ("x $hots", .unknownVariable("hots", column: 3)),
    ("$Host", .unknownVariable("Host", column: 1)),
    ("$hostx", .unknownVariable("hostx", column: 1)),
    ("$http_", .unknownVariable("http_", column: 1)),
    ("a\nb", .controlCharacter(column: 2)), ("a\r", .controlCharacter(column: 2)),
    ("\0", .controlCharacter(column: 1)), ("\u{7f}", .controlCharacter(column: 1)),
  ])
  func `a mistake is told with its column`(text: String, error: TemplateError) {
    #expect(throws: error) { try FieldTemplate(text) }
  }

  @Test func `a template has 8192 bytes`() throws {
    let longest = String(repeating: "a", count: FieldTemplate.longest)
    #expect(try render(longest) == longest)
    #expect(throws: TemplateError.tooLong) { try FieldTemplate(longest + "a") }
  }

  @Test(arguments: ["\r", "\n", "\0", "a\r\nSet-Cookie: x", "\u{7f}", "\u{1}"])
  func `a value that would end the field is refused`(value: String) throws {
    #expect(try render("x $host y", [.host: value]) == nil)
  }

  @Test func `a blank, a tab and bytes beyond ASCII may stand in a value`() throws {
    #expect(try render("$host", [.host: "a \tü"]) == "a \tü")
  }

  @Test func `without a value nothing is written`() throws {
    #expect(try render("$http_x$cookie_y", [:]) == "")
  }

  @Test func `what does not fit is taken back`() throws {
    let template = try FieldTemplate("ab${host}cd")
    for room in 0...6 {
      var buffer = BufferPool().borrow(.small)
      for _ in 0..<buffer.capacity - room { buffer.append(0x78) }
      let outcome = template.render(into: &buffer) { _, _, buffer in
        guard buffer.tailroom >= 2 else { return false }
        buffer.append("yz")
        return true
      }
      #expect(outcome == (room < 6 ? .noRoom : .rendered))
      let left = buffer.tailroom
      #expect(left == (room < 6 ? room : 0))
    }
  }

  @Test func `it is known what a template needs`() throws {
    #expect(try FieldTemplate("a$$").isConstant)
    let template = try FieldTemplate("$host $status")
    #expect(!template.isConstant)
    #expect(template.variables == [.host, .status])
    #expect(template.variables.map(\.isOfResponse) == [false, true])
  }

  @Test func `every variable has a name`() {
    let named =
      TemplateVariable.names.map(\.variable) + TemplateVariable.families.map(\.variable) + [.group]
    #expect(Set(named) == Set(TemplateVariable.allCases))
    #expect(TemplateVariable.names.map(\.name) == TemplateVariable.names.map(\.name).sorted())
  }
}
