// Whether a request is sent again after a server gave no response to it, and to whom
// (docs/decisions/0004).
import Balancing
import Configuration
import HTTP
import IO

extension ClientConnection where Stream: ~Copyable {
  /// Learns from a failure; whether the request is tried again, which then is prepared and counted.
  func mayTryAgain(after failure: ServerFailure, at route: RoutePlan) -> Bool {
    guard let server = turn.server else { return false }
    switch failure {
    case .unreachable(let error):
      return mayTryAgain(after: error, server, at: route)
    case .failed(let failure, let wasReused):
      note(failure, of: route.upstream, wasReused: wasReused)
      guard mayRetry(after: failure, wasReused),
        mayTryAgain(after: server, at: route, wasKept: wasReused)
      else { return false }
      giveBackResponse()
      let search = turn.makeSearch()
      search.wantsAnother = false
      // A fresh connection: others that were kept as long may be dead as well.
      search.mayReuse = false
      return true
    }
  }

  /// The same for a server that was not reached. Nothing was sent, so any method may be tried
  /// elsewhere.
  func mayTryAgain(
    after error: ConnectError, _ server: UpstreamServer, at route: RoutePlan
  ) -> Bool {
    let search = turn.makeSearch()
    search.connectError = error
    guard mayTryAgain(after: server, at: route, wasReceived: false) else { return false }
    search.wantsAnother = true
    return true
  }

  /// Counts another try, if there may be one.
  private func mayTryAgain(
    after server: UpstreamServer, at route: RoutePlan,
    wasReceived: Bool = true, wasKept: Bool = false
  ) -> Bool {
    let upstream = route.upstream
    let search = turn.makeSearch()
    endRetry(at: upstream)
    guard search.retries < route.options.retries,
      upstream.budget.takeRetry(at: reactor.now.milliseconds, wasReceived: wasReceived && !wasKept)
    else { return false }
    turn.isRetry = true
    search.retries += 1
    // The server is not to blame for a kept connection that it closed: what is bound to it stays.
    let isBound = search.key != nil || search.pinned === server
    if !wasKept || !isBound { search.tried.append(server) }
    endLease(at: upstream)
    return true
  }

  /// RFC 9110 9.2.2 and RFC 9112 9.3.1: only a request that was lost on a kept connection or by a
  /// reset, that the server may safely get twice, and that can still be sent a second time. Of
  /// which not a byte has left may be any method.
  private func mayRetry(after failure: AttemptFailure, _ wasReused: Bool) -> Bool {
    guard case .serverGone(let wasReset) = failure, canReplay else { return false }
    return upload.output.written == 0 || (wasReused || wasReset) && request.method.isIdempotent
  }
}
