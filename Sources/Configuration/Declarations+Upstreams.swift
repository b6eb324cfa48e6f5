// The upstream statement: its servers and options.
import Scripting

extension Declarations {
  func declareUpstream(_ name: String, _ value: LuaValue, at location: LuaLocation) {
    hasStatements = true
    let subject = "upstream \"\(name)\""
    if name.isEmpty || name.contains(where: { ":/ \t\n".contains($0) }) {
      complain(
        "\(subject): a name must not be empty or contain blanks, \":\" or \"/\"", at: location)
    }
    if let first = upstreamIndices[name] {
      complain("\(subject) is already defined at \(upstreams[first].location)", at: location)
    }
    guard case .table(let table) = value else {
      let error = ValueError.expected("{ servers and options }", value)
      return complain("\(subject): \(error.message)", at: location)
    }
    let servers = table.elements.compactMap { server($0, of: subject, at: location) }
    if table.elements.isEmpty { complain("\(subject): no server", at: location) }
    let layer = options(table, OptionSchema.upstream, in: .upstream, of: subject, at: location)
    add(Upstream(location: location, name: name, servers: servers, options: layer))
  }

  func add(_ upstream: Upstream) {
    if upstreamIndices[upstream.name] == nil { upstreamIndices[upstream.name] = upstreams.count }
    upstreams.append(upstream)
  }

  private func server(
    _ value: LuaValue, of subject: String, at location: LuaLocation
  ) -> ServerConfiguration? {
    var value = value
    if case .table(let table) = value {
      for name in table.fields.map(\.name) + table.otherKeys {
        let problem =
          OptionSchema.planned.contains(name)
          ? "option \"\(name)\" is not supported in this version" : "unknown option \"\(name)\""
        complain("\(subject): server: \(problem)", at: location)
      }
      value = table.elements.first ?? .nil
    }
    guard case .string(let text) = value else {
      let error = ValueError.expected("an address such as \"127.0.0.1:8080\"", value)
      complain("\(subject): server: \(error.message)", at: location)
      return nil
    }
    do {
      return ServerConfiguration(address: try ServerAddress(text))
    } catch {
      complain("\(subject): server \"\(text)\" \(error.description)", at: location)
      return nil
    }
  }
}
