// Where connections go of which nothing is understood: the routes of sites that are passed through and of
// plain services.
import Configuration
import IO
import Routing

extension Plan {
  /// The route of a TLS connection that is not decrypted here.
  ///
  /// - Parameter name: the server's name in the ClientHello; nil when there is none, so that only the
  ///   site `*` is meant.
  func passage(for name: String?) -> (route: RoutePlan, place: RoutePlace)? {
    if sites.passthroughs.isEmpty { return nil }
    let found = Array((name ?? "").utf8).withBytes { sites.site(for: $0) }
    guard let site = found?.number, let route = passage(of: site) else { return nil }
    return (route, RoutePlace(site: Int32(site)))
  }

  /// The route of a site that is passed through; nil of others.
  private func passage(of site: Int) -> RoutePlan? {
    guard let target = sites.passthroughs[site] else { return nil }
    if let made = passages[site] { return made }
    let route = RoutePlan(
      tables.settings[Int(target.settings)], tables, upstreams[Int(target.upstream)], carries: .site
    )
    passages[site] = route
    return route
  }

  /// The route of the plain service at a listener; nil where HTTP is spoken.
  func service(at address: ListenAddress) -> RoutePlan? {
    services.isEmpty ? nil : services[address]
  }

  func makeServices(_ listeners: [ListenerConfiguration]) -> [ListenAddress: RoutePlan] {
    var services: [ListenAddress: RoutePlan] = [:]
    for listener in listeners {
      guard case .tcp(let upstream) = listener.service else { continue }
      let options = listener.tunnel ?? SiteTable.usualTunnel
      services[listener.address] = RoutePlan(
        RouteSettings(options.value), tables, upstreams[upstream],
        carries: .service(listener.address))
    }
    return services
  }

  /// `counterpart` for those tunnels that began as one.
  func passageCounterpart(of old: RoutePlan, named name: RouteName) -> RoutePlan? {
    let new: RoutePlan? =
      switch old.carries {
      case .requests: nil
      case .site: sites.site(named: name.site).flatMap { passage(of: $0.number) }
      case .service(let address): service(at: address)
      }
    guard let new, new.upstream.name == old.upstream.name, new.settings.isSame(as: old.settings)
    else { return nil }
    return new
  }
}
