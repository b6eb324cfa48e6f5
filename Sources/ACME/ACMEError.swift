// Why there is no certificate, in words for the log. What the authority says is quoted, since it is
// the one that knows; what would be a key is in none of them.

package enum ACMEError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A URL that is none, or not one that may be asked.
  case url(String)
  /// No connection, or it broke: with whom, and why.
  case connection(host: String, reason: String)
  case timedOut(host: String)
  /// An answer that cannot be understood: which.
  case malformed(String)
  case problem(Problem)
  /// The authority looked and was not content with what it saw.
  case invalid(challenge: String, Problem?)
  /// None of the challenges that we can answer is offered.
  case noChallenge(offered: [String])
  /// The order did not come to its end in time.
  case unfinished(String)
  /// The certificate is not the one that was asked for.
  case wrongCertificate
  /// OpenSSL's words.
  case library(String)

  package var description: String {
    switch self {
    case .url(let text): "\"\(text)\" is no URL that can be asked"
    case .connection(let host, let reason): "\(host) cannot be asked: \(reason)"
    case .timedOut(let host): "\(host) did not answer in time"
    case .malformed(let what): "the authority's \(what) cannot be understood"
    case .problem(let problem): "the authority says: \(problem)"
    case .invalid(let challenge, let problem):
      "the challenge \(challenge) failed: \(problem?.description ?? "the authority does not say why")"
    case .noChallenge(let offered):
      "no challenge that can be answered here is offered, only \(offered.joined(separator: ", "))"
    case .unfinished(let what): "\(what) was not ready in time"
    case .wrongCertificate: "the certificate that came is not the one that was asked for"
    case .library(let words): "OpenSSL says: \(words)"
    }
  }

  /// Whether the authority did not get, or did not take up, the request: it counts against no limit of
  /// an account, so there may be another attempt soon.
  package var isTransient: Bool {
    switch self {
    case .connection, .timedOut: true
    case .problem(let problem): problem.status >= 500
    default: false
    }
  }

  /// Whether the account is not known any more: it can be made anew at once.
  package var isOfAccount: Bool {
    if case .problem(let problem) = self { problem.isOfAccount } else { false }
  }

  /// Whether it says nothing of the name that was asked for, so that others would get the same answer.
  package var isOfAuthority: Bool {
    if case .problem(let problem) = self, problem.type == "rateLimited" { return true }
    return isTransient
  }

  /// Seconds after which the authority wants to be asked again, if it said so.
  package var retryAfter: Int? {
    if case .problem(let problem) = self { problem.retryAfter } else { nil }
  }
}
