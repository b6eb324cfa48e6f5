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
    if groups != nil { groups = nil }
    if trustsPeer { identifyClient() }
    if case .connect = request.method {
      return unrouted(.init(.methodNotAllowed, "CONNECT is not offered here"))
    }
    if let challenges = worker.challenges, let answer = challengeAnswer(challenges) {
      route = nil
      return .respond(answer)
    }
    let site = input.withBytes { worker.inForce.site(for: $0.slice(request.host)) }
    if tls != nil, let refusal = refuseMisdirected(hasSite: worker.inForce.decrypts(site)) {
      return unrouted(refusal)
    }
    guard let site else {
      return unrouted(.init(.notFound, "no site has this name", keepAlive: mayPersist))
    }
    let target: ForwardTarget
    do { target = try forwardTarget() } catch {
      return unrouted(.init(.badRequest, error.description))
    }
    normalTarget = target
    switch withPath(of: target, { worker.inForce.find($0, in: site, worker.matcher) }) {
    case .destination(let destination, let place):
      self.place = place
      return admit(to: destination, target)
    case .noSite, .noRoute:
      return unrouted(.init(.notFound, "no route has this path", keepAlive: mayPersist))
    case .gaveUp(let site, let pattern):
      if let suppressed = worker.matcherLimiter.admit(at: reactor.now) {
        Log.error(
          "site \"\(site)\": the route \"\(pattern)\" took too many steps for a path"
            + LogLimiter.note(suppressed))
      }
      return unrouted(
        .init(.internalServerError, "the route cannot be found", keepAlive: mayPersist))
    }
  }

  /// The answer to a request that has no route. Until here the route is the last request's, which is
  /// the next one's, too, as a rule.
  @inline(never)
  private func unrouted(_ answer: ErrorAnswer) -> Admission {
    route = nil
    return .answer(answer)
  }

  func admit(
    to destination: consuming Destination, _ target: consuming ForwardTarget
  ) -> Admission {
    switch consume destination {
    case .proxy(let route):
      guard enter(route) else { return tooLarge }
      return forwarded(to: route, target)
    case .respond(let route):
      guard enter(route) else { return tooLarge }
      identifier = worker.identifiers.next()
      return .respond(route)
    case .function(let route):
      guard enter(route) else { return tooLarge }
      return decide(route, target)
    case .secured(let route):
      return admit(toSecured: route, target)
    }
  }

  /// Notes the request's route. False when its options refuse the request.
  private func enter(_ route: MatchedRoute) -> Bool {
    if self.route !== route { self.route = route }
    route.tables.noteRequest(at: place)
    if case .length(let n) = request.framing, n > route.settings.maxBody { return false }
    if place.isExpression { groups = matchedGroups() }
    return true
  }

  private var tooLarge: Admission {
    .answer(ErrorAnswer(.contentTooLarge, "the request body is too large"))
  }

  func forwarded(
    to route: consuming RoutePlan, _ target: consuming ForwardTarget
  ) -> Admission {
    identifier = worker.identifiers.next()
    offersUpgrade = request.upgrade != nil && mayUpgrade
    if route.settings.stripPrefix.isEmpty { return .forward(route, target) }
    let stripped = strip(route.settings.stripPrefix, of: target)
    return .forward(route, stripped)
  }

  /// A copy of the groups: the worker's matcher is another request's after the next wait.
  @inline(never)
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
