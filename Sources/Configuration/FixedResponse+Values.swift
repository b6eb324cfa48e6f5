// What `respond` is given, as the answer it means.
import Routing
import Scripting

extension FixedResponse {
  /// Bytes of a body, also of one in a file: it is kept in memory.
  static var largestBody: Int { 1 << 20 }

  private static let defaultType = "text/plain; charset=utf-8"

  /// Reads `status, body, content type or fields`, or `{ status = ..., body = ... }`.
  init(arguments: [LuaValue], folder: String) throws(ValueError) {
    if case .table(let table) = arguments[0] {
      try self.init(table, folder)
      return
    }
    self.init(status: try Self.status(arguments[0]))
    if let body = try Self.body(arguments[1]) { self.body = body }
    switch arguments[2] {
    case .nil: break
    case .string(let type): contentType = try Self.type(type)
    case let value: fields = try Self.fields(value)
    }
    try checkBody()
  }

  private init(_ table: LuaTable, _ folder: String) throws(ValueError) {
    self.init(status: 200)
    if let element = table.elements.first {
      throw ValueError("\(element.shown) stands without a name before it")
    }
    if let key = table.otherKeys.first { throw ValueError("unexpected key \(key)") }
    var type: String?
    for (name, value) in table.fields {
      do throws(ValueError) {
        switch name {
        case "status": status = try Self.status(value)
        case "body": if let body = try Self.body(value) { self.body = body }
        case "file":
          guard table["body"] == nil else { throw ValueError("there is a body already") }
          (body, contentType) = try Self.file(value, folder)
        case "content_type":
          guard case .string(let text) = value else { throw .expected("a string", value) }
          type = try Self.type(text)
        case "headers": fields = try Self.fields(value)
        default:
          let names = ["status", "body", "file", "content_type", "headers"]
          throw ValueError("unknown\(suggestion(for: name, among: names))")
        }
      } catch {
        throw ValueError("\(name): \(error.message)")
      }
    }
    if let type { contentType = type }
    try checkBody()
  }

  /// The page that a file holds, as `error_pages` names one.
  init(status: Int, file: LuaValue, folder: String) throws(ValueError) {
    let (body, type) = try Self.file(file, folder)
    self.init(status: status, body: body, contentType: type)
  }

  /// RFC 9110 15.3.5, 15.3.6 and 15.4.5.
  private func checkBody() throws(ValueError) {
    if [204, 205, 304].contains(status), !body.isEmpty {
      throw ValueError("an answer \(status) has no body")
    }
  }

  private static func status(_ value: LuaValue) throws(ValueError) -> Int {
    guard case .number(let number) = value, let status = Int(exactly: number),
      (200...599).contains(status)
    else { throw .expected("a status from 200 to 599", value) }
    return status
  }

  private static func body(_ value: LuaValue) throws(ValueError) -> [UInt8]? {
    let bytes: [UInt8]
    switch value {
    case .nil: return nil
    case .string(let text): bytes = Array(text.utf8)
    case .bytes(let given): bytes = given
    default: throw .expected("the text of the body", value)
    }
    guard bytes.count <= largestBody else {
      throw ValueError("the body is larger than \(Unit.bytes.format(largestBody))")
    }
    return bytes
  }

  private static func file(
    _ value: LuaValue, _ folder: String
  ) throws(ValueError) -> (body: [UInt8], type: String) {
    guard case .string(let name) = value else { throw .expected("the path of a file", value) }
    let path = SourceFile.path(name, in: folder)
    do throws(FileError) {
      return (try SourceFile.read(path, limit: largestBody), type(ofFile: name))
    } catch {
      throw ValueError("cannot open \(path): \(error)")
    }
  }

  private static func type(_ text: String) throws(ValueError) -> String {
    guard text.contains("/"), text.utf8.count <= 256,
      text.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
    else { throw ValueError("\"\(text)\" is no content type") }
    return text
  }

  private static func fields(
    _ value: LuaValue
  ) throws(ValueError) -> [(name: String, value: FieldTemplate)] {
    let fields = try FieldSide.response.fields(value)
    for field in fields where field.name.lowercased() == "content-type" {
      throw ValueError("Content-Type: write content_type = ... instead")
    }
    return fields.map { ($0.name, $0.value) }
  }

  /// The content type of a file by its name.
  static func type(ofFile name: String) -> String {
    guard let dot = name.lastIndex(of: ".") else { return "application/octet-stream" }
    return switch name[name.index(after: dot)...].lowercased() {
    case "html", "htm": "text/html; charset=utf-8"
    case "txt": defaultType
    case "css": "text/css; charset=utf-8"
    case "js": "text/javascript; charset=utf-8"
    case "json": "application/json"
    case "xml": "application/xml"
    case "svg": "image/svg+xml"
    case "png": "image/png"
    case "jpg", "jpeg": "image/jpeg"
    case "gif": "image/gif"
    case "webp": "image/webp"
    case "ico": "image/x-icon"
    case "pdf": "application/pdf"
    default: "application/octet-stream"
    }
  }
}

extension Redirect {
  /// Reads `url, status` in either order; without a status it is 302.
  init(arguments: [LuaValue]) throws(ValueError) {
    var (url, code) = (arguments[0], arguments[1])
    if case .number = url { swap(&url, &code) }
    var status = 302
    if case .nil = code {
    } else {
      guard case .number(let number) = code, let given = Int(exactly: number),
        [301, 302, 303, 307, 308].contains(given)
      else { throw .expected("301, 302, 303, 307 or 308", code) }
      status = given
    }
    guard case .string(let text) = url, !text.isEmpty else { throw .expected("a URL", url) }
    // RFC 3986 2: what is beyond ASCII, and blanks, have no place in a URL.
    guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw ValueError(
        "\"\(text)\": blanks and what is beyond ASCII are written as %20 and the like")
    }
    self.init(status: status, location: try FieldSide.request.template(url))
  }
}
