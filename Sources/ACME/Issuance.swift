// The story of one certificate (RFC 8555 7.4): order, show that the name leads here, hand in the
// request, wait, fetch.
import HTTP
import IO
import JSON
import TLS

/// One order. Loop-confined.
package struct Issuance: ~Copyable {
  /// Milliseconds that the order may take in all.
  package static let patience: Int64 = 300_000
  /// Milliseconds between two looks at what the authority works at: at first, and at most.
  static let pauses: ClosedRange<Int64> = 500...10_000
  /// Milliseconds that an authority can have us wait between two looks.
  static let longestPause: Int64 = 60_000

  private let authority: Authority
  private let responder: any ChallengeResponder
  private let reactor: Reactor
  private let alarm: Alarm
  private let deadline: Moment

  package init(
    at authority: Authority, _ responder: any ChallengeResponder, on reactor: Reactor
  ) throws(ACMEError) {
    self.authority = authority
    self.responder = responder
    self.reactor = reactor
    deadline = reactor.now.advanced(by: Self.patience)
    do { alarm = try Alarm(on: reactor) } catch { throw .library("\(error)") }
  }

  /// Gets a certificate for a name.
  ///
  /// - Parameters:
  ///   - kinds: the challenges that can be answered; the first that is offered is taken.
  ///   - source: what messages call the certificate.
  /// - Precondition: the authority is prepared.
  package func run(
    for name: String, by kinds: [ChallengeKind], source: String
  ) async throws(ACMEError) -> Certificate {
    var (order, url) = try await authority.order(name)
    for authorization in order.authorizations {
      try await prove(authorization, name, by: kinds)
    }
    order = try await poll("order", url) { json throws(ACMEError) in
      let order = try Order(json)
      return order.status == .pending ? nil : order
    }
    guard order.status != .invalid else { throw Self.failure(of: order) }
    let key: PrivateKey
    let request: [UInt8]
    do throws(OpenSSLError) {
      key = try .make()
      request = try key.certificateRequest(for: name)
    } catch {
      throw .library(error.description)
    }
    _ = try await authority.post(
      ["csr": .string(Base64URL.encode(request))], to: order.finalize)
    order = try await poll("certificate", url) { json throws(ACMEError) in
      let order = try Order(json)
      return order.status == .valid || order.status == .invalid ? order : nil
    }
    guard order.status == .valid, let location = order.certificate else {
      throw Self.failure(of: order)
    }
    let chain = try await authority.post(nil, to: location).body
    return try Self.certificate(chain, key, name, source)
  }

  private static func failure(of order: Order) -> ACMEError {
    .problem(order.error ?? Problem(type: "", detail: "the order is \(order.status.rawValue)"))
  }

  /// The certificate that has come, if it is for this key and this name.
  private static func certificate(
    _ chain: [UInt8], _ key: PrivateKey, _ name: String, _ source: String
  ) throws(ACMEError) -> Certificate {
    let certificate: Certificate
    do {
      certificate = try Certificate(
        try PEM(chain).certificates, key: try key.encoded(), source: source)
    } catch {
      throw .wrongCertificate
    }
    guard certificate.names.hosts.contains(name) else { throw .wrongCertificate }
    return certificate
  }

  // MARK: Challenges

  /// Shows the authority that a name leads here, if it does not know yet.
  private func prove(
    _ url: String, _ name: String, by kinds: [ChallengeKind]
  ) async throws(ACMEError) {
    let answer = try await authority.post(nil, to: url)
    let authorization = try Authorization(try Authority.json(answer, "authorisation"))
    if authorization.status == .valid { return }
    guard authorization.name == name else { throw .malformed("authorisation") }
    let known = kinds.lazy.compactMap { kind in
      authorization.challenge(kind.rawValue).map { (kind, $0) }
    }
    guard let (kind, challenge) = known.first else {
      throw .noChallenge(offered: authorization.challenges.map(\.type))
    }
    let response = try ChallengeResponse(
      kind, for: name, token: challenge.token, thumbprint: authority.thumbprint())
    await responder.show(response)
    do throws(ACMEError) {
      _ = try await authority.post([:], to: challenge.url)
      try await awaitVerdict(on: kind, at: url)
    } catch {
      await responder.withdraw(response)
      throw error
    }
    await responder.withdraw(response)
  }

  private func awaitVerdict(on kind: ChallengeKind, at url: String) async throws(ACMEError) {
    let authorization = try await poll("authorisation", url) { json throws(ACMEError) in
      let authorization = try Authorization(json)
      return authorization.status == .pending ? nil : authorization
    }
    guard authorization.status != .valid else { return }
    let problem = authorization.challenges.first { $0.type == kind.rawValue }?.error
    throw .invalid(challenge: kind.rawValue, problem)
  }

  // MARK: Waiting

  /// Looks at something again and again until it is what is waited for (RFC 8555 7.5.1).
  ///
  /// - Parameter read: nil for as long as the authority works at it.
  private func poll<Value>(
    _ what: String, _ url: String, _ read: (JSON) throws(ACMEError) -> Value?
  ) async throws(ACMEError) -> Value {
    var pause = Self.pauses.lowerBound
    while true {
      let answer = try await authority.post(nil, to: url)
      if let value = try read(try Authority.json(answer, what)) { return value }
      let wanted = answer.retryAfter.map { Int64($0) * 1000 } ?? pause
      let next = reactor.now.advanced(by: min(max(wanted, pause), Self.longestPause))
      guard next < deadline else { throw .unfinished(what) }
      await alarm.sleep(until: next)
      pause = min(pause * 2, Self.pauses.upperBound)
    }
  }
}
