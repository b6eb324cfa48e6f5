// Which files of a folder belong together. Three habits are understood: all in one file; a certificate
// and a key of the same name; and certbot's folders with fullchain.pem and privkey.pem.

/// The files of one certificate.
package struct CertificateFiles: Sendable, Hashable {
  /// Bytes of a file; a chain with a large key has some 10,000.
  package static let mostBytes = 262_144

  package var certificate: String
  /// Nil when the certificate's file holds it too.
  package var key: String?
  /// Whether the file may turn out to be none of a certificate: in a folder, what has no key may be
  /// an authority's.
  package var isGuess = false

  package init(certificate: String, key: String? = nil, isGuess: Bool = false) {
    self.certificate = certificate
    self.key = key
    self.isGuess = isGuess
  }

  /// Where the OCSP response of the certificate is, if there is one.
  package var response: String { certificate + ".ocsp" }

  private static let endings = [".pem", ".crt", ".cer"]

  /// Whether a file of this name may be part of a certificate.
  static func isNamedLikeOne(_ name: String) -> Bool {
    name.hasSuffix(".key") || endings.contains { name.hasSuffix($0) }
  }

  /// The certificates of a folder.
  ///
  /// - Parameter names: of its files, sorted.
  package static func pairs(in folder: String, names: [String]) -> [CertificateFiles] {
    let all = Set(names)
    func path(_ name: String) -> String { folder + (folder.hasSuffix("/") ? "" : "/") + name }
    let isCertbot = all.contains("fullchain.pem") && all.contains("privkey.pem")
    var pairs: [CertificateFiles] = []
    for name in names where !name.hasPrefix(".") {
      guard let ending = endings.first(where: { name.hasSuffix($0) }) else { continue }
      let key = String(name.dropLast(ending.count)) + ".key"
      if isCertbot, name == "fullchain.pem" {
        pairs.append(CertificateFiles(certificate: path(name), key: path("privkey.pem")))
      } else if isCertbot, ["cert.pem", "chain.pem", "privkey.pem"].contains(name) {
        continue
      } else if all.contains(key) {
        pairs.append(CertificateFiles(certificate: path(name), key: path(key)))
      } else {
        pairs.append(CertificateFiles(certificate: path(name), isGuess: true))
      }
    }
    return pairs
  }
}
