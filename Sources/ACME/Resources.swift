// What an authority's answers say, as far as we read them (RFC 8555 7.1). Everything else in them is
// passed over.
import JSON

/// Where to ask for what: RFC 8555 7.1.1.
struct Directory: Equatable {
  var newNonce: String
  var newAccount: String
  var newOrder: String
  /// Accounts have to be bound to one that the authority knows otherwise: RFC 8555 7.3.4.
  var wantsExternalAccount: Bool

  init(_ json: JSON) throws(ACMEError) {
    guard let nonce = json["newNonce"]?.text, let account = json["newAccount"]?.text,
      let order = json["newOrder"]?.text
    else { throw .malformed("directory") }
    (newNonce, newAccount, newOrder) = (nonce, account, order)
    wantsExternalAccount = json["meta"]?["externalAccountRequired"]?.bool ?? false
  }
}

/// RFC 8555 7.1.6; what an order, an authorisation or a challenge has come to.
enum ResourceStatus: String {
  case pending, processing, ready, valid, invalid, deactivated, expired, revoked
}

/// RFC 8555 7.1.3.
struct Order {
  /// Each is for one name, and we ask for one name at a time.
  static let mostAuthorizations = 8

  var status: ResourceStatus
  var authorizations: [String]
  var finalize: String
  var certificate: String?
  var error: Problem?

  init(_ json: JSON) throws(ACMEError) {
    guard let status = json["status"]?.text.flatMap(ResourceStatus.init),
      let finalize = json["finalize"]?.text
    else { throw .malformed("order") }
    self.status = status
    self.finalize = finalize
    authorizations = (json["authorizations"]?.elements ?? []).compactMap(\.text)
    guard authorizations.count <= Self.mostAuthorizations else { throw .malformed("order") }
    certificate = json["certificate"]?.text
    error = json["error"].map { Problem($0, status: $0["status"]?.int ?? 0) }
  }
}

/// RFC 8555 7.1.4.
struct Authorization {
  struct Challenge {
    /// As it is named there: `http-01`.
    var type: String
    var url: String
    var token: String
    var error: Problem?
  }

  var status: ResourceStatus
  var name: String
  var challenges: [Challenge]

  init(_ json: JSON) throws(ACMEError) {
    guard let status = json["status"]?.text.flatMap(ResourceStatus.init),
      let name = json["identifier"]?["value"]?.text
    else { throw .malformed("authorisation") }
    self.status = status
    self.name = name
    // One whose kind we don't know may look as it likes.
    challenges = (json["challenges"]?.elements ?? []).prefix(16).compactMap {
      guard let type = $0["type"]?.text, let url = $0["url"]?.text else { return nil }
      let error = $0["error"].map { Problem($0, status: $0["status"]?.int ?? 0) }
      return Challenge(type: type, url: url, token: $0["token"]?.text ?? "", error: error)
    }
  }

  /// The challenge of a kind, if its token can be used in a path and a certificate: RFC 8555 8.1.
  func challenge(_ type: String) -> Challenge? {
    challenges.first {
      $0.type == type && Base64URL.isValid($0.token) && $0.token.utf8.count <= 256
    }
  }
}
