// Fields and values with variables as a configuration writes them. Nothing that could end a field
// early, change a message's framing or speak for the connection gets through.
import Routing
import Scripting

/// The head that a field is to stand in.
enum FieldSide {
  /// On its way to a server.
  case request
  /// On its way to the client.
  case response

  /// Why a field is not the configuration's to set, by its name in small letters.
  private func reason(_ name: String) -> String? {
    switch name {
    case "content-length", "transfer-encoding", "trailer", "te":
      "rsp frames messages by itself"
    case "connection", "keep-alive", "proxy-connection", "upgrade", "http2-settings":
      "it belongs to the connection"
    case "expect" where self == .request: "it is agreed on with the client"
    case "host" where self == .request: "write host = ... instead"
    default: nil
    }
  }

  /// Checks a field's name.
  func check(_ name: String) throws(ValueError) {
    guard isToken(name), name.utf8.count <= FieldChanges.longestName else {
      throw ValueError("\"\(name)\" is no name of a field")
    }
    if let reason = reason(name.lowercased()) {
      throw ValueError("the field \(name) cannot be changed: \(reason)")
    }
  }

  /// Reads a field's value: a string with variables, or a number.
  func template(_ value: LuaValue) throws(ValueError) -> FieldTemplate {
    let text: String
    switch value {
    case .string(let string): text = string
    case .number: text = value.shown
    default: throw .expected("a string", value)
    }
    let template: FieldTemplate
    do throws(TemplateError) {
      template = try FieldTemplate(text)
    } catch {
      throw ValueError("\"\(text)\": \(error)\(Self.hint(for: error))")
    }
    if self == .request, template.variables.contains(where: \.isOfResponse) {
      throw ValueError("\"\(text)\": the response is not known yet when this is made")
    }
    return template
  }

  private static func hint(for error: TemplateError) -> String {
    guard case .unknownVariable(let name, _) = error else { return "" }
    return suggestion(for: name, among: TemplateVariable.names.map(\.name))
  }

  /// Reads `{ ["X-Name"] = "value", ["X-Other"] = { "one", "two" } }`.
  func fields(_ value: LuaValue) throws(ValueError) -> [FieldChanges.Field] {
    guard case .table(let table) = value, table.elements.isEmpty, table.otherKeys.isEmpty else {
      throw .expected("{ [\"X-Name\"] = \"value\" }", value)
    }
    var fields: [FieldChanges.Field] = []
    for (name, value) in table.fields {
      try check(name)
      var values = [value]
      if case .table(let list) = value, list.fields.isEmpty, list.otherKeys.isEmpty {
        values = list.elements
      }
      for value in values {
        do throws(ValueError) {
          fields.append(FieldChanges.Field(name: name, value: try template(value)))
        } catch {
          throw ValueError("\(name): \(error.message)")
        }
      }
    }
    guard fields.count <= FieldChanges.mostFields else {
      throw ValueError("more than \(FieldChanges.mostFields) fields")
    }
    return fields
  }
}

extension FieldChanges {
  /// Fields that may be set, added or removed in one place.
  static var mostFields: Int { 64 }
  /// Bytes of a field's name.
  static var longestName: Int { 256 }

  /// Reads `{ set = { ... }, add = { ... }, remove = { ... } }`.
  init(_ value: LuaValue, of side: FieldSide) throws(ValueError) {
    guard case .table(let table) = value, table.elements.isEmpty, table.otherKeys.isEmpty else {
      throw .expected("{ set = { ... }, add = { ... }, remove = { ... } }", value)
    }
    for (name, value) in table.fields {
      do throws(ValueError) {
        switch name {
        case "set": set = try side.fields(value)
        case "add": add = try side.fields(value)
        case "remove": remove = try Self.names(value, of: side)
        default:
          let hint = suggestion(for: name, among: ["set", "add", "remove"])
          throw ValueError("expected set, add or remove\(hint)")
        }
      } catch {
        throw ValueError("\(name): \(error.message)")
      }
    }
  }

  private static func names(_ value: LuaValue, of side: FieldSide) throws(ValueError) -> [String] {
    let names = try value.strings("the names of fields")
    for name in names { try side.check(name) }
    guard names.count <= mostFields else { throw ValueError("more than \(mostFields) fields") }
    return names.map { $0.lowercased() }
  }
}

extension LuaValue {
  /// The strings of a list, or the one string that stands in its place.
  func strings(_ what: String) throws(ValueError) -> [String] {
    if case .string(let text) = self { return [text] }
    guard case .table(let table) = self, table.fields.isEmpty, table.otherKeys.isEmpty else {
      throw .expected(what, self)
    }
    var strings: [String] = []
    for element in table.elements {
      guard case .string(let text) = element else { throw .expected(what, element) }
      strings.append(text)
    }
    return strings
  }
}
