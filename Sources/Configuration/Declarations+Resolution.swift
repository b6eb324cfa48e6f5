// From what was declared to what will run: names become indices, options become values, and what
// only shows when everything is known is checked.
import Scripting

extension Declarations {
  /// The finished configuration.
  /// - Throws: all mistakes, those found before included.
  func resolve() throws(ConfigurationError) -> Configuration {
    var upstreamConfigurations = upstreams.map { upstream in
      UpstreamConfiguration(
        name: upstream.name, servers: upstream.servers,
        options: upstream.options.applied(to: defaults.upstream.applied(to: UpstreamOptions())))
    }
    let siteConfigurations = sites.map { site in
      SiteConfiguration(
        names: site.names,
        routes: site.routes.compactMap { route in
          resolve(route, in: site, adding: &upstreamConfigurations)
        })
    }
    if mistakes.isEmpty {
      if listeners.isEmpty { complain("nothing to listen on (write listen \"8000\")", at: nil) }
      if sites.isEmpty {
        complain("no site (write site \"*\" { [\"/\"] = proxy \"HOST:PORT\" })", at: nil)
      }
    }
    guard mistakes.isEmpty else { throw ConfigurationError(messages: messages) }
    return Configuration(
      workers: workers?.count,
      listeners: listeners.map { listener in
        var options = listener.options.applied(
          to: defaults.listener.applied(to: ListenerOptions()))
        options.maxLine = min(options.maxLine, options.maxHead)
        return ListenerConfiguration(
          address: listener.address, options: options, line: listener.location.line)
      },
      upstreams: upstreamConfigurations, sites: siteConfigurations,
      process: defaults.process.applied(to: ProcessOptions()))
  }

  private func resolve(
    _ route: Route, in site: Site, adding upstreams: inout [UpstreamConfiguration]
  ) -> RouteConfiguration? {
    guard case .proxy(let target) = route.action.kind,
      let index = upstream(target, at: route.action.location, adding: &upstreams)
    else { return nil }
    var options = RouteOptions()
    defaults.route.apply(to: &options)
    site.options.apply(to: &options)
    route.options.apply(to: &options)
    return RouteConfiguration(
      pattern: route.pattern, action: .proxy(upstream: index), options: options)
  }

  /// The index of the upstream that `proxy` names, which is made when an address is given.
  private func upstream(
    _ target: String, at location: LuaLocation, adding upstreams: inout [UpstreamConfiguration]
  ) -> Int? {
    if let index = upstreams.firstIndex(where: { $0.name == target }) { return index }
    // The name of an upstream holds no colon, an address does.
    guard target.contains(":") else {
      let hint = suggestion(for: target, among: upstreams.map(\.name))
      complain("proxy \"\(target)\": no upstream has this name\(hint)", at: location)
      return nil
    }
    do {
      let server = ServerConfiguration(address: try ServerAddress(target))
      upstreams.append(
        UpstreamConfiguration(
          name: target, servers: [server],
          options: defaults.upstream.applied(to: UpstreamOptions())))
      return upstreams.count - 1
    } catch {
      complain("proxy \"\(target)\": the address \(error.description)", at: location)
      return nil
    }
  }
}
