// The configuration as one worker uses it: every worker makes its own, so that counting references
// to routes and pools on the request path is never contended between cores.
import Configuration
import HTTP
import IO

/// Where each request goes. Worker-confined.
final class Plan {
  private let everything: RoutePlan?
  /// In the order of the configuration.
  let upstreams: [UpstreamPlan]
  private lazy var upstreamsByName = Dictionary(
    upstreams.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

  /// Builds a plan beside the one in force, from which it takes over the upstreams of the same names.
  /// `takeEffect` puts it in force.
  init(_ configuration: Configuration, _ context: UpstreamContext, adopting old: Plan? = nil) {
    let upstreams = configuration.upstreams.map {
      UpstreamPlan.make($0, in: context, adopting: old?.upstream(named: $0.name))
    }
    self.upstreams = upstreams
    everything = configuration.sites.first?.routes.first.flatMap { route in
      switch route.action {
      case .proxy(let upstream): RoutePlan(route.options, upstreams[upstream])
      case .respond, .redirect, .function: nil
      }
    }
  }

  /// The upstream of a name; nil when there is none.
  func upstream(named name: String) -> UpstreamPlan? { upstreamsByName[name] }

  /// The plan is in force from now.
  func takeEffect() {
    for upstream in upstreams { upstream.takeEffect() }
  }

  /// The route of a request: in this version the one route of the one site.
  func route() -> RoutePlan? { everything }
}

/// What is done with the requests of one route.
final class RoutePlan {
  let options: RouteOptions
  let upstream: UpstreamPlan
  /// How many bytes a request's head can gain by what the options add, its host aside.
  let addedBytes: Int
  /// Request fields that are never passed on as they came.
  let droppedFields: FieldNames
  /// Flags of request fields that are not passed on.
  let droppedFlags: UInt8
  let maxBody: UInt64

  init(_ options: RouteOptions, _ upstream: UpstreamPlan) {
    self.options = options
    self.upstream = upstream
    var bytes = 1024 + upstream.authority.utf8.count + (options.via?.utf8.count ?? 0)
    if case .fixed(let host) = options.host { bytes += host.utf8.count }
    addedBytes = bytes
    var dropped = FieldNames.ofConnection.union(.ofForwarding)
    if options.requestID { dropped = dropped.union(FieldNames(.xRequestID)) }
    if case .client = options.host {} else { dropped = dropped.union(.host) }
    droppedFields = dropped
    droppedFlags =
      options.underscoresInFields
      ? FieldLine.Flags.namedByConnection.rawValue
      : FieldLine.Flags.namedByConnection.rawValue | FieldLine.Flags.unusualName.rawValue
    maxBody = options.maxBody.map(UInt64.init) ?? .max
  }
}
