// The upstream statement: its servers and options.
import Balancing
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
    let servers = servers(of: table, of: subject, at: location)
    let layer = options(table, OptionSchema.upstream, in: .upstream, of: subject, at: location)
    complainAboutBalance(of: table, layer, subject, at: location)
    if !servers.contains(where: \.isTLS) {
      for name in OptionSchema.namesForTLSServers where table[name]?.isOn == true {
        complain(
          "\(subject): \(name) needs a server with TLS (write \"https://10.0.0.1:8443\")",
          at: location)
      }
    }
    add(Upstream(location: location, name: name, servers: servers, options: layer))
  }

  func add(_ upstream: Upstream) {
    if upstreamIndices[upstream.name] == nil { upstreamIndices[upstream.name] = upstreams.count }
    upstreams.append(upstream)
  }

  /// `sticky` says how to balance, and `hash` means nothing unless `balance` says so.
  private func complainAboutBalance(
    of table: LuaTable, _ layer: OptionLayer<UpstreamOptions>, _ subject: String,
    at location: LuaLocation
  ) {
    let options = layer.applied(to: UpstreamOptions())
    if case .string(let name)? = table["balance"], options.balance.rawValue != name,
      options.sticky != nil
    {
      complain("\(subject): sticky cannot stand beside balance = \"\(name)\"", at: location)
    }
    if options.hashKey != nil, options.balance != .hash {
      complain("\(subject): hash needs balance = \"hash\" beside it", at: location)
    }
  }

  // MARK: Servers

  private func servers(
    of table: LuaTable, of subject: String, at location: LuaLocation
  ) -> [Server] {
    var known: Set<ServerAddress> = []
    var servers: [Server] = []
    if table.elements.isEmpty { complain("\(subject): no server", at: location) }
    for element in table.elements {
      guard let server = server(element, of: subject, at: location) else { continue }
      if known.insert(server.address).inserted {
        servers.append(server)
      } else {
        complain("\(subject): server \"\(server.address)\" stands twice", at: location)
      }
    }
    return servers
  }

  /// `"10.0.0.1:80"` or `{ "10.0.0.1:80", weight = 3 }`.
  private func server(
    _ value: LuaValue, of subject: String, at location: LuaLocation
  ) -> Server? {
    var table = LuaTable()
    if case .table(let given) = value { table = given } else { table.elements = [value] }
    guard case .string(let text) = table.elements.first ?? .nil else {
      let error = ValueError.expected(
        "an address such as \"127.0.0.1:8080\"", table.elements.first ?? .nil)
      complain("\(subject): server: \(error.message)", at: location)
      return nil
    }
    let subject = "\(subject): server \"\(text)\""
    if table.elements.count > 1 {
      complain("\(subject): one address per server, found \(table.elements.count)", at: location)
    }
    let layer = options(table, OptionSchema.server, in: .server, of: subject, at: location)
    do throws(AddressError) {
      let (address, isTLS) = try ServerAddress.withScheme(text)
      return Server(address: address, isTLS: isTLS, options: layer)
    } catch {
      complain("\(subject) \(error.description)", at: location)
      return nil
    }
  }
}
