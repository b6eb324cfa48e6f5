// From a request's head to what is done with it: which site, which route, and whether the request
// may have it at all.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import Telemetry

extension ClientConnection where Stream: ~Copyable {
  /// Routes the request whose head has been read, or says why it cannot be.
  ///
  /// The path is made normal first and matched in that form, which is also what a server gets
  /// (behaviour 25); `strip_prefix` changes it only after that.
  func admit() -> Admission {
    route = nil
    groups = nil
    if trustsPeer { identifyClient() }
    if case .connect = request.method {
      return .answer(.init(.methodNotAllowed, "CONNECT is not offered here"))
    }
    if let challenges = worker.challenges, let route = challengeAnswer(challenges) {
      return .respond(route)
    }
    let plan = worker.plan
    let site = input.withBytes { plan.tables.sites.site(for: $0.slice(request.host)) }
    if tls != nil, let refusal = refuseMisdirected(hasSite: plan.tables.sites.decrypts(site)) {
      return .answer(refusal)
    }
    guard let site else {
      return .answer(.init(.notFound, "no site has this name", keepAlive: mayPersist))
    }
    let target: ForwardTarget
    do { target = try forwardTarget() } catch {
      return .answer(.init(.badRequest, error.description))
    }
    normalTarget = target
    switch withPath(of: target, { plan.find($0, in: site, worker.matcher) }) {
    case .destination(let destination, let place):
      self.place = place
      return admit(to: destination, target)
    case .noSite, .noRoute:
      return .answer(.init(.notFound, "no route has this path", keepAlive: mayPersist))
    case .gaveUp(let site, let pattern):
      if let suppressed = worker.matcherLimiter.admit(at: reactor.now) {
        Log.error(
          "site \"\(site)\": the route \"\(pattern)\" took too many steps for a path"
            + LogLimiter.note(suppressed))
      }
      return .answer(
        .init(.internalServerError, "the route cannot be found", keepAlive: mayPersist))
    }
  }

  func admit(to destination: consuming Destination, _ target: ForwardTarget) -> Admission {
    switch destination {
    case .proxy(let route):
      if let refusal = enter(route) { return .answer(refusal) }
      return forwarded(to: route, target)
    case .respond(let route):
      if let refusal = enter(route) { return .answer(refusal) }
      identifier = worker.identifiers.next()
      return .respond(route)
    case .function(let route):
      if let refusal = enter(route) { return .answer(refusal) }
      return decide(route, target)
    case .secured(let route):
      return admit(toSecured: route, target)
    }
  }

  /// Notes the request's route; what its options refuse.
  private func enter(_ route: MatchedRoute) -> ErrorAnswer? {
    self.route = route
    route.tables.traffic.noteRequest(at: place)
    if case .length(let n) = request.framing, n > route.settings.maxBody {
      return ErrorAnswer(.contentTooLarge, "the request body is too large")
    }
    if place.isExpression { groups = matchedGroups() }
    return nil
  }

  func forwarded(to route: consuming RoutePlan, _ target: ForwardTarget) -> Admission {
    identifier = worker.identifiers.next()
    offersUpgrade = mayUpgrade
    if route.settings.stripPrefix.isEmpty { return .forward(route, target) }
    let stripped = strip(route.settings.stripPrefix, of: target)
    return .forward(route, stripped)
  }

  /// A copy of the groups: the worker's matcher is another request's after the next wait.
  private func matchedGroups() -> MatchedGroups {
    let ranges = worker.matcher.allGroups()
    return withPath(of: normalTarget) { path in
      MatchedGroups(
        texts: ranges.indices.map { i in ranges[i].map { path.slice($0).array() } ?? [] })
    }
  }
}

/// What the groups of a route's expression matched in a path.
struct MatchedGroups {
  /// The whole match, then groups 1 to 9; empty for one that took no part.
  let texts: [[UInt8]]
}
