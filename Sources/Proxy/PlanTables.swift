// The large part of a plan, which asks nothing of a worker: the tables of sites, what follows from the
// options of routes, and the Lua state of functions. With 100,000 sites it takes a moment to make, or
// seconds where the configuration's program has to run again, so another thread makes it.
import Configuration

/// What a plan is made around. Whoever makes it hands it to the one worker that owns it from then on.
package final class PlanTables {
  let sites: SiteTable
  let settings: [RouteSettings]
  /// Nil when no route is a function.
  let functions: RouteFunctions?
  var traffic: SiteTraffic { SiteTraffic(sites: sites) }

  /// A request has met a route.
  func noteRequest(at place: RoutePlace) {
    guard place.site >= 0 else { return }
    sites.noteRequest(of: Int(place.site), at: place.entry)
  }

  /// - Throws: what goes wrong when the configuration's program is run for a worker.
  package convenience init(_ configuration: Configuration) throws(PlanError) {
    do throws(ConfigurationError) {
      try self.init(configuration, RouteFunctions(configuration))
    } catch {
      throw PlanError(messages: error.messages)
    }
  }

  /// - Parameter functions: of the same configuration; without them its functions all fail.
  init(_ configuration: Configuration, _ functions: RouteFunctions?) {
    self.functions = functions
    sites = SiteTable(configuration.sites)
    settings = sites.settings.map { RouteSettings($0.value) }
  }
}
