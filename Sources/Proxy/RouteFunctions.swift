// Functions as routes: one Lua state per worker and plan, which decides requests within a budget.
// What goes wrong in a function is that request's 500 and a line in the log.
import Bytes
import Configuration
import HTTP
import IO
import Routing
import Scripting
import Telemetry

/// The functions of one worker's plan. Worker-confined.
final class RouteFunctions {
  private let program: FunctionProgram
  private let request = FunctionRequest()
  private var limiters: [Int: LogLimiter] = [:]

  /// Nil when the configuration has no functions: then there is no Lua state either.
  /// - Throws: what goes wrong when the configuration's program is run in a worker.
  init?(_ configuration: Configuration) throws(ConfigurationError) {
    guard configuration.program != nil else { return nil }
    program = try FunctionProgram(configuration)
  }

  /// As `init`; what goes wrong is logged, and requests for the functions then fail.
  static func orNone(of configuration: Configuration) -> RouteFunctions? {
    do throws(ConfigurationError) {
      return try RouteFunctions(configuration)
    } catch {
      for message in error.messages { Log.error(message) }
      return nil
    }
  }

  /// Asks a route's function what is done with a request.
  /// - Returns: what it says, which is not a function again; nil when it has failed, of which the
  ///   log tells.
  func decide(
    _ route: FunctionRoute, at routePlace: RoutePlace, _ subject: FunctionRequest.Subject,
    _ bytes: RawSpan, path: RawSpan
  ) -> Action? {
    do throws(LuaError) {
      return try request.show(subject, bytes, path: path) { () throws(LuaError) in
        try program.decide(route.number, for: request, budget: route.options.luaBudget)
      }
    } catch {
      report(error, of: route, at: routePlace, subject.worker.reactor.now)
      return nil
    }
  }

  /// One line a second for each function: it may fail for every request.
  private func report(
    _ error: LuaError, of route: FunctionRoute, at routePlace: RoutePlace, _ now: Moment
  ) {
    var limiter = limiters[route.number] ?? LogLimiter(milliseconds: 1000)
    if let suppressed = limiter.admit(at: now) {
      // An error may have no place of its own, as one of `return proxy "x"`, which is a tail call.
      let place = program.location(of: route.number).map { " (\($0))" } ?? ""
      let name = route.tables.sites.name(of: routePlace)
      let calls = error.calls.isEmpty ? "" : " (called from: \(error.calls))"
      Log.error(
        "site \"\(name.site)\": the function of route \"\(name.pattern)\"\(place) failed: "
          + "\(error.message)\(calls)\(LogLimiter.note(suppressed))")
    }
    limiters[route.number] = limiter
  }
}

extension LuaError {
  /// The traceback on one line.
  fileprivate var calls: String {
    (traceback ?? "").split(separator: "\n").dropFirst()
      .map { $0.drop { $0 == "\t" || $0 == " " } }
      .joined(separator: "; ")
  }
}

extension ClientConnection where Stream: ~Copyable {
  /// What the function of the request's route says is done with it.
  func decide(_ route: FunctionRoute, _ target: ForwardTarget) -> Admission {
    let plan = worker.plan
    let subject = FunctionRequest.Subject(
      worker: worker, head: request, peer: peer, client: clientBehindProxies,
      showsUnusualNames: route.options.underscoresInFields, tls: tls)
    let action = withPath(of: target) { path in
      input.withBytes { plan.functions?.decide(route, at: place, subject, $0, path: path) }
    }
    switch action {
    case .proxy(let upstream):
      let chosen = route.plan(for: upstream, in: plan)
      self.route = chosen
      return forwarded(to: chosen, target)
    case .respond(let response):
      identifier = worker.identifiers.next()
      return .respond(route.answer(response, OwnResponse.init))
    case .redirect(let redirect):
      identifier = worker.identifiers.next()
      return .respond(route.answer(redirect, OwnResponse.init))
    case .function, nil:
      return .answer(
        .init(.internalServerError, "the route's function failed", keepAlive: mayPersist))
    }
  }
}
