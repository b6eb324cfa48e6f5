// What is wrong with the files of a certificate. The words name files and never what stands in them:
// they go to the log, and one of the files is a private key.
import IO

/// Why there is no certificate.
package enum CertificateProblem: Error, Sendable, Equatable, CustomStringConvertible {
  case unreadable(SystemError)
  /// More than `CertificateFiles.mostBytes`.
  case tooLarge
  case brokenPEM(OpenSSLError)
  case noCertificate
  case brokenCertificate(OpenSSLError)
  /// Its times cannot be read.
  case noValidity
  case noKey
  case severalKeys
  case encryptedKey
  case brokenKey(OpenSSLError)
  /// The key is another certificate's.
  case mismatch(certificate: String)
  case notAFolder
  case emptyFolder

  package var description: String {
    switch self {
    case .unreadable(let error): "cannot be read: \(error)"
    case .tooLarge: "is larger than \(CertificateFiles.mostBytes / 1024) KiB"
    case .brokenPEM(let error): "is not a valid PEM file: \(error)"
    case .noCertificate: "holds no certificate (\"-----BEGIN CERTIFICATE-----\")"
    case .brokenCertificate(let error): "holds a certificate that cannot be read: \(error)"
    case .noValidity: "holds a certificate without a time until which it is valid"
    case .noKey:
      "has no private key: put it into the same file, or beside it into one that ends in .key"
    case .severalKeys: "holds more than one private key"
    case .encryptedKey:
      "holds a private key with a passphrase, which nobody could enter; "
        + "remove it with `openssl pkey -in FILE -out FILE`"
    case .brokenKey(let error): "holds a private key that cannot be read: \(error)"
    case .mismatch(let certificate): "holds a private key that is not the one of \(certificate)"
    case .notAFolder: "is not a folder"
    case .emptyFolder: "holds no certificate"
    }
  }
}

/// A problem, and the file or folder that has it.
package struct CertificateError: Error, Sendable, Equatable, CustomStringConvertible {
  package var path: String
  package var problem: CertificateProblem

  package init(path: String, problem: CertificateProblem) {
    self.path = path
    self.problem = problem
  }

  package var description: String { "\(path) \(problem)" }
}
