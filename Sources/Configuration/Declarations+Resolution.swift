// From what was declared to what will run: names become indices, options become values, and what
// only shows when everything is known is checked.
import Routing
import Scripting

extension Declarations {
  /// The finished configuration.
  /// - Throws: all mistakes, those found before included.
  func resolve() throws(ConfigurationError) -> Configuration {
    guard !isIncomplete else { throw ConfigurationError(messages: messages) }
    var upstreamConfigurations = upstreams.map(resolve)
    let targets = resolveTargets(adding: &upstreamConfigurations)
    var settings = SettingsStore(defaults: defaults.route)
    let siteConfigurations = sites.map {
      resolve($0, targets, upstreamConfigurations, &settings)
    }
    let listenerConfigurations = listeners.map { resolve($0, targets, upstreamConfigurations) }
    if mistakes.isEmpty {
      if listeners.isEmpty { complain("nothing to listen on (write listen \"8000\")", at: nil) }
      let needsSite = listenerConfigurations.contains { $0.service == .http }
      if sites.isEmpty, needsSite || listeners.isEmpty {
        complain("no site (write site \"*\" { [\"/\"] = proxy \"HOST:PORT\" })", at: nil)
      }
      complainAboutTLS()
    }
    guard mistakes.isEmpty else { throw ConfigurationError(messages: messages) }
    return Configuration(
      workers: workers?.count, listeners: listenerConfigurations,
      upstreams: upstreamConfigurations, sites: siteConfigurations,
      process: defaults.process.applied(to: ProcessOptions()), program: usedProgram)
  }

  /// The program with all that it is made of, if its functions will be called.
  private var usedProgram: Program? {
    guard !functions.isEmpty, var program else { return nil }
    program.included = included
    return program
  }

  private func resolve(
    _ listener: Listener, _ targets: [String: Int], _ upstreams: [UpstreamConfiguration]
  ) -> ListenerConfiguration {
    var options = listener.options.applied(to: defaults.listener.applied(to: ListenerOptions()))
    options.maxLine = min(options.maxLine, options.maxHead)
    let asked = options.asked
    options.asked = AskedOfListener()
    if asked.speaksTLS {
      options.tls = asked.settings
      options.tls?.certificates = asked.certificates ?? []
    }
    var configuration = ListenerConfiguration(
      address: listener.address, options: options, line: listener.location.line)
    if let target = asked.tcp, let upstream = targets[target] {
      complainAboutTunnel(
        to: upstreams[upstream], from: "listen \"\(listener.address)\": tcp",
        at: listener.location)
      configuration.service = .tcp(upstream: upstream)
      configuration.tunnel = Shared(
        listener.tunnel.applied(to: defaults.route.applied(to: RouteOptions())))
    }
    return configuration
  }

  private func resolve(_ upstream: Upstream) -> UpstreamConfiguration {
    let options = upstream.options.applied(to: defaults.upstream.applied(to: UpstreamOptions()))
    return UpstreamConfiguration(
      name: upstream.name,
      servers: upstream.servers.map { server in
        server.options.applied(
          to: ServerConfiguration(
            address: server.address, isTLS: server.isTLS, maxConnections: options.maxConnections))
      }, options: options)
  }

  // MARK: Sites

  private func resolve(
    _ site: Site, _ targets: [String: Int], _ upstreams: [UpstreamConfiguration],
    _ settings: inout SettingsStore
  ) -> SiteConfiguration {
    if let target = site.passthrough {
      let common = settings.settings(of: site.options)
      var configuration = SiteConfiguration(
        names: site.names, routes: [], passthrough: targets[target], tunnel: common,
        line: Int32(clamping: site.location.line))
      if let upstream = configuration.passthrough {
        complainAboutTunnel(
          to: upstreams[upstream], from: "site \"\(site.names.first ?? .any)\": passthrough",
          at: site.location)
      }
      // Requests that come without TLS, to be sent where the site is.
      if common.value.redirectsToHTTPS {
        configuration.routes = [
          RouteConfiguration(
            pattern: .prefix([0x2f]), action: .respond(Shared(FixedResponse(status: 404))),
            settings: common)
        ]
      }
      return configuration
    }
    return SiteConfiguration(
      names: site.names,
      routes: site.routes.compactMap { route in
        guard let action = resolve(route, targets) else { return nil }
        return RouteConfiguration(
          pattern: route.pattern, action: action,
          settings: settings.settings(of: site.options, route))
      }, line: Int32(clamping: site.location.line))
  }

  private func resolve(_ route: Route, _ targets: [String: Int]) -> Action? {
    switch route.answer {
    case .function(let number): return .function(number)
    case .action(let value):
      switch value.kind {
      case .proxy(let target): return targets[target].map { .proxy(upstream: $0) }
      case .respond(let response): return .respond(response)
      case .redirect(let redirect):
        if case .expression = route.pattern {
        } else if redirect.value.location.hasGroups {
          complain(
            "redirect: $1 to $9 are groups of an expression, and \"\(route.text)\" is none",
            at: value.location)
        }
        return .redirect(redirect)
      case .refused: return nil
      }
    }
  }

  // MARK: Upstreams

  /// The indices of the upstreams that `proxy` names, which are made where an address is given.
  private func resolveTargets(adding upstreams: inout [UpstreamConfiguration]) -> [String: Int] {
    var indices = upstreamIndices
    for asked in targets where indices[asked.text] == nil {
      let (target, location) = (asked.text, asked.location)
      // The name of an upstream holds no colon, an address does.
      guard target.contains(":") else {
        let hint = suggestion(for: target, among: upstreams.map(\.name))
        complain("\(asked.word) \"\(target)\": no upstream has this name\(hint)", at: location)
        continue
      }
      do throws(AddressError) {
        let (address, isTLS) = try ServerAddress.withScheme(target)
        let server = ServerConfiguration(address: address, isTLS: isTLS)
        indices[target] = upstreams.count
        upstreams.append(
          UpstreamConfiguration(
            name: target, servers: [server],
            options: defaults.upstream.applied(to: UpstreamOptions())))
      } catch {
        complain("\(asked.word) \"\(target)\": the address \(error.description)", at: location)
      }
    }
    return indices
  }
}

extension FieldTemplate {
  fileprivate var hasGroups: Bool { variables.contains(.group) }
}

extension RouteOptions {
  /// Makes the route's own path the prefix to strip, if that was asked for. An expression has none.
  fileprivate mutating func resolvePrefix(of pattern: PathPattern) {
    guard stripsOwnPrefix else { return }
    stripsOwnPrefix = false
    switch pattern {
    case .prefix(let path), .exact(let path): stripPrefix = Self.stripped(path)
    case .expression: break
    }
  }
}

/// The options of routes, each kept once: what 100,000 sites have in common is not copied for each.
private struct SettingsStore {
  private let base: Shared<RouteOptions>
  /// Those made last. In a loop, the same come again and again.
  private var recent: [Shared<RouteOptions>] = []
  private static let recentCount = 8

  init(defaults: OptionLayer<RouteOptions>) {
    base = Shared(defaults.applied(to: RouteOptions()))
  }

  /// The options of a site that has no routes.
  mutating func settings(of site: OptionLayer<RouteOptions>) -> Shared<RouteOptions> {
    guard !site.isEmpty else { return base }
    return kept(site.applied(to: base.value))
  }

  mutating func settings(
    of site: OptionLayer<RouteOptions>, _ route: Declarations.Route
  ) -> Shared<RouteOptions> {
    guard !site.isEmpty || !route.options.isEmpty || base.value.stripsOwnPrefix else { return base }
    var options = route.options.applied(to: site.applied(to: base.value))
    options.resolvePrefix(of: route.pattern)
    return kept(options)
  }

  private mutating func kept(_ options: RouteOptions) -> Shared<RouteOptions> {
    if let known = recent.first(where: { $0.value == options }) { return known }
    let made = Shared(options)
    if recent.count == Self.recentCount { recent.removeFirst() }
    recent.append(made)
    return made
  }
}
