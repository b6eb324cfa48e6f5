// Certificates for tests, made as they are needed.
import Bytes
import Routing
import TLS
import Testing

/// A second that all tests take for the present.
let now = 1_800_000_000
let day = 86400

func certificate(
  _ hosts: String..., addresses: [String] = [], kind: KeyKind = .ecdsa,
  from: Int = now - day, until: Int = now + 90 * day, cache: CertificateCache = .process
) throws -> Certificate {
  try Certificate(
    selfSignedFor: SubjectNames(
      hosts: hosts, addresses: addresses.compactMap { InternetAddress($0) }),
    validity: from...until, kind: kind, cache: cache)
}

extension Certificate {
  /// The blocks of its file by what they are.
  var text: String { String(decoding: pem, as: UTF8.self) }
  var certificateText: String { String(text[..<keyStart]) }
  var keyText: String { String(text[keyStart...]) }

  private var keyStart: String.Index {
    let mark = Array("-----BEGIN PRIVATE KEY".utf8)
    let bytes = Array(text.utf8)
    let at = bytes.indices.first { bytes[$0...].starts(with: mark) } ?? bytes.count
    return text.utf8.index(text.startIndex, offsetBy: at)
  }
}

extension CertificateIndex {
  func find(_ name: String, ecdsa: Bool = true) -> Certificate? {
    Array(name.utf8).withBytes { find($0, ecdsa: ecdsa) }
  }
}

/// The certificate of an authority whose key is gone: openssl req -x509 -newkey ed25519 -subj /CN=ca.
let authority = """
  -----BEGIN CERTIFICATE-----
  MIIBMDCB46ADAgECAhQt0R2H9rz/m0fRAAmxV7efXto+RzAFBgMrZXAwDTELMAkG
  A1UEAwwCY2EwIBcNMjYxMTIxMTYzMjQyWhgPMjEyNjEwMjgxNjMyNDJaMA0xCzAJ
  BgNVBAMMAmNhMCowBQYDK2VwAyEAS10++cPPXfMETHbfGC0iEBKOVKnowVOhQ8KM
  go8teRijUzBRMB0GA1UdDgQWBBQiVawpNsxSvWypyTy9Bn7e78lQAjAfBgNVHSME
  GDAWgBQiVawpNsxSvWypyTy9Bn7e78lQAjAPBgNVHRMBAf8EBTADAQH/MAUGAytl
  cANBACJWJnyLHsqlSuLC8bR7FHitL0LOI0JvAzugQVFaMhSxs7AP/JUvpHbLGBer
  5oFWazXdyvmCtqSo1gqT8MuN/QI=
  -----END CERTIFICATE-----

  """
