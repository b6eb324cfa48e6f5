// The body of every request that changes or shows something: JSON Web Signature (RFC 7515) in its
// flattened JSON form, signed with the account's key by ES256 (RFC 8555 6.2).
import JSON
import TLS

/// Whose key it is.
enum SigningIdentity {
  /// The public key itself: to make an account, or find it.
  case key
  /// The account's URL.
  case account(String)
}

enum SignedRequest {
  /// The body of a request.
  ///
  /// - Parameters:
  ///   - payload: nil for POST-as-GET, which signs an empty text (RFC 8555 6.3).
  ///   - nonce: the authority's; each counts once.
  static func body(
    _ payload: JSON?, to url: String, nonce: String, as identity: SigningIdentity,
    with key: PrivateKey
  ) throws(ACMEError) -> [UInt8] {
    var header: JSON = ["alg": "ES256", "nonce": .string(nonce), "url": .string(url)]
    switch identity {
    case .key: header.append("jwk", try key.webKey())
    case .account(let url): header.append("kid", .string(url))
    }
    let protected = Base64URL.encode(header.line)
    let text = Base64URL.encode(payload?.line ?? [])
    let signature: [UInt8]
    do throws(OpenSSLError) {
      signature = try key.sign(Array("\(protected).\(text)".utf8))
    } catch {
      throw .library(error.description)
    }
    let body: JSON = [
      "protected": .string(protected), "payload": .string(text),
      "signature": .string(Base64URL.encode(signature)),
    ]
    return body.line
  }
}

extension PrivateKey {
  /// The public key as a JSON Web Key (RFC 7517). The members stand in the order in which RFC 7638 3
  /// has them hashed, and there are no others.
  func webKey() throws(ACMEError) -> JSON {
    guard let point else { throw .library("the account's key is on no curve P-256") }
    return [
      "crv": "P-256", "kty": "EC", "x": .string(Base64URL.encode(point.x)),
      "y": .string(Base64URL.encode(point.y)),
    ]
  }

  /// RFC 7638: what challenges name the key by.
  package func thumbprint() throws(ACMEError) -> String {
    Base64URL.encode(SHA256.digest(try webKey().line))
  }
}
