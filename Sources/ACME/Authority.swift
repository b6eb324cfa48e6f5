// An authority as one account sees it: its directory, its nonces, and requests signed by the account's
// key (RFC 8555 6 and 7.3).
import HTTP
import IO
import JSON
import TLS

/// An authority. Loop-confined; several orders may ask it in turns.
package final class Authority {
  /// How often a request is signed anew because its nonce did not count (RFC 8555 6.5).
  static let mostNonceTries = 10
  /// Nonces that are kept for the next requests; older ones stop counting first.
  static let mostNonces = 8

  private let directoryURL: String
  private let email: String?
  let key: PrivateKey
  private let client: HTTPClient
  private var directory: Directory?
  private var isDirectoryOld = false
  private var nonces: [String] = []
  /// The account's URL; nil until it was made or found.
  private var account: String?

  /// - Parameters:
  ///   - directory: the URL of its directory.
  ///   - email: where it writes to when something is wrong.
  ///   - key: the account's.
  package init(
    directory: String, email: String?, key: PrivateKey, client: HTTPClient
  ) {
    directoryURL = directory
    self.email = email
    self.key = key
    self.client = client
  }

  /// Reads the directory and finds or makes the account, where that is not done yet. For one caller at
  /// a time.
  package func prepare() async throws(ACMEError) {
    if directory == nil || isDirectoryOld {
      let answer = try await get(directoryURL)
      directory = try Directory(try Self.json(answer, "directory"))
      isDirectoryOld = false
    }
    if account == nil { account = try await register() }
  }

  /// Reads the directory again before the next order: what has failed may be because of an old one.
  package func refresh() { isDirectoryOld = true }

  /// What follows "token." in a key authorisation (RFC 8555 8.1).
  package func thumbprint() throws(ACMEError) -> String { try key.thumbprint() }

  /// Makes an order for a name.
  ///
  /// - Returns: the order and its URL.
  func order(_ name: String) async throws(ACMEError) -> (order: Order, url: String) {
    guard let directory else { throw .malformed("directory") }
    let wanted: JSON = ["identifiers": [["type": "dns", "value": .string(name)]]]
    let answer = try await post(wanted, to: directory.newOrder)
    guard let url = answer.location else { throw .malformed("order") }
    return (try Order(try Self.json(answer, "order")), url)
  }

  // MARK: Signed requests

  /// A signed request; a payload of nil is POST-as-GET.
  func post(_ payload: JSON?, to url: String) async throws(ACMEError) -> HTTPAnswer {
    guard let account else { throw .malformed("account") }
    do throws(ACMEError) {
      return try await post(payload, to: url, as: .account(account))
    } catch {
      // It is found or made again before the next attempt.
      if case .problem(let problem) = error, problem.isOfAccount { self.account = nil }
      throw error
    }
  }

  private func post(
    _ payload: JSON?, to url: String, as identity: SigningIdentity
  ) async throws(ACMEError) -> HTTPAnswer {
    let target = try self.url(url)
    var tries = 0
    while true {
      let nonce = try await takeNonce()
      let body = try SignedRequest.body(payload, to: url, nonce: nonce, as: identity, with: key)
      let answer = try await send(HTTPRequest(method: .post, url: target, body: body))
      if answer.isSuccess { return answer }
      let problem = Self.problem(answer)
      tries += 1
      guard problem.isBadNonce, tries < Self.mostNonceTries else { throw .problem(problem) }
    }
  }

  private func register() async throws(ACMEError) -> String {
    guard let directory else { throw .malformed("directory") }
    if directory.wantsExternalAccount {
      throw .problem(
        Problem(
          type: "externalAccountRequired",
          detail: "accounts must be bound to another one, which rsp cannot do"))
    }
    var wanted: JSON = ["termsOfServiceAgreed": true]
    if let email { wanted.append("contact", [.string("mailto:" + email)]) }
    let answer = try await post(wanted, to: directory.newAccount, as: .key)
    guard let url = answer.location else { throw .malformed("account") }
    return url
  }

  // MARK: Nonces

  private func takeNonce() async throws(ACMEError) -> String {
    if let nonce = nonces.popLast() { return nonce }
    guard let directory else { throw .malformed("directory") }
    let url = try self.url(directory.newNonce)
    let answer = try await send(HTTPRequest(method: .head, url: url))
    guard answer.isSuccess else { throw .problem(Self.problem(answer)) }
    // `send` has put it with the others; another order may have taken it meanwhile.
    guard let nonce = nonces.popLast() ?? answer.nonce else { throw .malformed("nonce") }
    return nonce
  }

  private func keep(_ nonce: String) {
    guard Base64URL.isValid(nonce), nonce.utf8.count <= 1024 else { return }
    if nonces.count == Self.mostNonces { nonces.removeFirst() }
    nonces.append(nonce)
  }

  // MARK: Requests

  private func get(_ url: String) async throws(ACMEError) -> HTTPAnswer {
    let answer = try await send(HTTPRequest(method: .get, url: self.url(url)))
    guard answer.isSuccess else { throw .problem(Self.problem(answer)) }
    return answer
  }

  private func send(_ request: HTTPRequest) async throws(ACMEError) -> HTTPAnswer {
    let answer = try await client.send(request)
    if let nonce = answer.nonce { keep(nonce) }
    return answer
  }

  /// A URL that an answer names. A secure authority leads to no insecure one.
  private func url(_ text: String) throws(ACMEError) -> AuthorityURL {
    let url = try AuthorityURL(text)
    if !url.isSecure, directoryURL.hasPrefix("https:") { throw .url(text) }
    return url
  }

  private static func problem(_ answer: HTTPAnswer) -> Problem {
    Problem(try? JSON(answer.body), status: answer.status, retryAfter: answer.retryAfter)
  }

  static func json(_ answer: HTTPAnswer, _ what: String) throws(ACMEError) -> JSON {
    do { return try JSON(answer.body) } catch { throw .malformed(what) }
  }
}
