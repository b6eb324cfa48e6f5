// What is signed and how it is written: base 64, keys as JSON, signatures, what OpenSSL makes for us.
import JSON
import TLS
import Testing

@testable import ACME

struct SigningTests {
  @Test(arguments: [
    ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
    ("\u{ff}\u{3ff}", "w7_Pvw"),
  ])
  func `base 64 has no padding and no character that a URL gives a meaning`(
    plain: String, encoded: String
  ) {
    #expect(Base64URL.encode(Array(plain.utf8)) == encoded)
  }

  @Test(arguments: ["", "a b", "a/b", "a=", "a.b", "é"])
  func `what is no base 64 is no token`(text: String) {
    #expect(!Base64URL.isValid(text))
    #expect(Base64URL.isValid("DGyRejmCefe7v4NfDGDKfA-_"))
  }

  /// The key of RFC 7515 A.3.1, as PKCS 8.
  private static let example = Array(
    """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff
    H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp
    7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt
    -----END PRIVATE KEY-----

    """.utf8)

  @Test func `a key is written as JSON and named by its thumbprint`() throws {
    let key = try PrivateKey(pem: Self.example)
    #expect(
      try key.webKey() == [
        "crv": "P-256", "kty": "EC", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
      ])
    #expect(try key.thumbprint() == "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U")
  }

  @Test func `a key is the same after it was written and read`() throws {
    let key = try PrivateKey.make()
    let again = try PrivateKey(pem: key.pem())
    #expect(try again.thumbprint() == key.thumbprint())
    #expect(try PrivateKey.make().thumbprint() != key.thumbprint())
  }

  @Test(arguments: ["", "no PEM", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
  func `what holds no key is refused`(text: String) {
    #expect(throws: OpenSSLError.self) { try PrivateKey(pem: Array(text.utf8)) }
  }

  @Test func `a request says who signs it, where it goes and which nonce it uses`() throws {
    let key = try PrivateKey.make()
    let body = try SignedRequest.body(
      ["a": 1], to: "https://ca.example/order", nonce: "n1", as: .account("https://ca.example/7"),
      with: key)
    let json = try JSON(body)
    let protected = try #require(json["protected"]?.text)
    let header = try JSON(decode(protected))
    #expect(
      header == [
        "alg": "ES256", "nonce": "n1", "url": "https://ca.example/order",
        "kid": "https://ca.example/7",
      ])
    let payload = try #require(json["payload"]?.text)
    #expect(try JSON(decode(payload)) == ["a": 1])
    let signature = decode(try #require(json["signature"]?.text))
    #expect(key.verify(signature, of: Array("\(protected).\(payload)".utf8)))
    #expect(!key.verify(signature, of: Array("\(protected).x".utf8)))
  }

  @Test func `a request for an account holds the key, one that only asks an empty payload`() throws
  {
    let key = try PrivateKey.make()
    let body = try SignedRequest.body(
      nil, to: "https://ca.example/new", nonce: "n", as: .key, with: key)
    let json = try JSON(body)
    let header = try JSON(decode(try #require(json["protected"]?.text)))
    #expect(header["jwk"] == (try key.webKey()))
    #expect(header["kid"] == nil)
    #expect(json["payload"]?.text == "")
  }

  @Test func `a signature always has its 64 bytes`() throws {
    // In one of 128 a number begins with a zero byte, which DER leaves away.
    let key = try PrivateKey.make()
    for number in 0..<600 {
      let bytes = Array("\(number)".utf8)
      let signature = try key.sign(bytes)
      #expect(signature.count == 64)
      #expect(key.verify(signature, of: bytes))
    }
  }

  @Test func `SHA-256 is that of FIPS 180-4`() {
    #expect(
      Base64URL.encode(SHA256.digest(Array("abc".utf8)))
        == "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0")
  }
}

/// Undoes base 64.
func decode(_ text: String) -> [UInt8] {
  let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  var bytes: [UInt8] = []
  var (bits, count) = (0, 0)
  for character in text.utf8 {
    guard let value = alphabet.firstIndex(of: character) else { return [] }
    bits = (bits << 6 | value) & 0xffff
    count += 6
    if count >= 8 {
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> count))
    }
  }
  return bytes
}
