// The answers to an authority's challenges, as every worker has them while an order is under way
// (RFC 8555 8.3, RFC 8737).
import Bytes
import Configuration
import HTTP
import TLS

/// What is shown to authorities now. Immutable once published.
package struct ChallengeTable: Sendable {
  /// For http-01: key authorisations by their tokens, which nobody can guess.
  package var files: [String: String] = [:]
  /// For tls-alpn-01: by names in small letters.
  package var certificates: [String: Certificate] = [:]

  package init() {}

  package var isEmpty: Bool { files.isEmpty && certificates.isEmpty }

  /// Where an authority looks for the file of a token, under http-01.
  static let prefix: StaticString = "/.well-known/acme-challenge/"
  static let longestToken = 256

  /// What the file at a path holds; nil when it is none of ours.
  func file(at path: RawSpan) -> String? {
    let prefix = Self.prefix.utf8CodeUnitCount
    guard path.starts(with: Self.prefix), path.byteCount - prefix <= Self.longestToken else {
      return nil
    }
    return files[path.extracting(last: path.byteCount - prefix).string()]
  }
}

extension ClientConnection where Stream: ~Copyable {
  /// The answer to an authority that looks for a file, before any site is looked for: a site's own
  /// routes, a redirect to https among them, do not stand in its way. Other paths, and tokens that are
  /// not ours, go where they always go.
  func challengeAnswer(_ table: ChallengeTable) -> AnswerRoute? {
    guard request.method == .get || request.method == .head else { return nil }
    let file = input.withBytes { table.file(at: $0.slice(request.path)) }
    guard let file else { return nil }
    let response = FixedResponse(
      status: 200, body: Array(file.utf8), contentType: "application/octet-stream")
    place = RoutePlace()
    return AnswerRoute(
      RouteSettings(RouteOptions()), worker.plan.tables, OwnResponse(response))
  }
}

extension Worker {
  /// Shows authorities these answers from now on, and no others.
  package func show(_ challenges: ChallengeTable) {
    state.challenges = challenges.isEmpty ? nil : challenges
  }
}
